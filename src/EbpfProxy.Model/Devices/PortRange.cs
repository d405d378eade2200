using System.Globalization;

namespace EbpfProxy.Model.Devices;

/// <summary>Ports from <paramref name="First"/> to <paramref name="Last"/>, both in it.</summary>
public readonly record struct PortRange(ushort First, ushort Last)
{
    public int Count => Last - First + 1;

    public bool Contains(ushort port) => First <= port && port <= Last;

    public bool Overlaps(PortRange other) => First <= other.Last && other.First <= Last;

    /// <summary>Reads "1024-29999", "80" or, as Kubernetes has it, "30000+100".</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PortRange range)
    {
        range = default;
        int separator = text.IndexOfAny('-', '+');
        var first = separator < 0 ? text : text[..separator];
        if (!TryParsePort(first, out int low) || low == 0)
        {
            return false;
        }

        int high = low;
        if (separator >= 0)
        {
            if (!TryParsePort(text[(separator + 1)..], out int number))
            {
                return false;
            }

            high = text[separator] == '+' ? low + number : number;
        }

        if (high < low || high > ushort.MaxValue)
        {
            return false;
        }

        range = new PortRange((ushort)low, (ushort)high);
        return true;
    }

    public override string ToString() => First == Last ? $"{First}" : $"{First}-{Last}";

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= ushort.MaxValue;
}
