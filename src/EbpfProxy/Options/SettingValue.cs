using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Options;

/// <summary>
/// What a flag or field says, and the ways to read it. What cannot be read is reported under the flag's or field's name,
/// and what stood before is kept.
/// </summary>
/// <param name="Name">The flag or the path of the field.</param>
/// <param name="Texts">What it was given, in order: of a single value the last counts.</param>
/// <param name="Problems">Hears of what cannot be read.</param>
internal sealed record SettingValue(string Name, IReadOnlyList<string> Texts, Problems Problems)
{
    private string Text => Texts.Count > 0 ? Texts[^1] : "";

    public string AsText() => Text;

    public string? AsPath() => Text.Length == 0 ? null : Text;

    /// <summary>All values, those with commas taken apart.</summary>
    public IReadOnlyList<string> AsList() =>
        [.. Texts.SelectMany(t => t.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    public bool AsBool(bool otherwise) => Text switch
    {
        "true" or "True" or "TRUE" or "1" or "t" or "T" or "" => true,
        "false" or "False" or "FALSE" or "0" or "f" or "F" => false,
        _ => Refuse("is not true or false", otherwise),
    };

    public int AsInt(int min, int otherwise) =>
        int.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= min
            ? value
            : Refuse($"is not a number from {min} on", otherwise);

    /// <summary>The same, refused in kube-proxy's words where it is a number.</summary>
    public int AsIntWithin(int min, int max, int otherwise)
    {
        if (!int.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value))
        {
            return Refuse("is not a number", otherwise);
        }

        return value >= min && value <= max
            ? value
            : Invalid(max == int.MaxValue ? $"must be greater than or equal to {min}" : $"must be within the range [{min}, {max}]", otherwise);
    }

    public double AsDouble(double otherwise) =>
        double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : Refuse("is not a number", otherwise);

    /// <summary>A duration as Go writes it: 1m30s.</summary>
    public TimeSpan AsDuration(TimeSpan otherwise)
    {
        if (!GoDuration.TryParse(Text, out var value))
        {
            return Refuse("is not a duration, as in \"1m30s\"", otherwise);
        }

        return value >= TimeSpan.Zero ? value : Invalid("must be greater than or equal to 0", otherwise);
    }

    /// <summary>The same; 0 stands for the default, as in the files that kubeadm writes.</summary>
    public TimeSpan AsPositiveDuration(TimeSpan otherwise)
    {
        if (!GoDuration.TryParse(Text, out var value))
        {
            return Refuse("is not a duration, as in \"1m30s\"", otherwise);
        }

        if (value < TimeSpan.Zero)
        {
            return Invalid("must be greater than 0", otherwise);
        }

        return value == TimeSpan.Zero ? otherwise : value;
    }

    /// <summary>An empty text stands for the default.</summary>
    public IPAddress AsAddress(IPAddress otherwise) =>
        Text.Length == 0 ? otherwise : TryParseAddress(Text, out var address) ? address : Refuse("is not an IP address", otherwise);

    public IReadOnlyList<IPAddress> AsAddresses() =>
        [.. AsList().Where(t => TryParseAddress(t, out _) || Refuse(t, "is not an IP address", false)).Select(IPAddress.Parse)];

    public IReadOnlyList<Prefix> AsPrefixes() =>
        [.. AsList().Select(t => Prefix.TryParse(t, out var prefix) ? prefix : Refuse(t, "is not a CIDR prefix", (Prefix?)null)).OfType<Prefix>()];

    /// <summary>"1024-29999", or "30000+100" for a first port and how many follow it.</summary>
    public PortRange AsPorts(PortRange otherwise) =>
        PortRange.TryParse(Text, out var range) ? range : Refuse("is not a range of ports, as in \"1024-29999\"", otherwise);

    /// <summary>ip or ip:port; the port 0 stands for none, and null for an empty text.</summary>
    public IPEndPoint? AsEndPoint()
    {
        if (Text.Length == 0)
        {
            return null;
        }

        if (TryParseAddress(Text, out var address))
        {
            return new IPEndPoint(address, 0);
        }

        int colon = Text.LastIndexOf(':');
        string host = colon < 0 ? Text : Text[..colon];
        bool isBracketed = host is ['[', .., ']'];
        bool isHost = TryParseAddress(isBracketed ? host[1..^1] : host, out address)
            && isBracketed == (address.AddressFamily == AddressFamily.InterNetworkV6);
        bool isPort = ushort.TryParse(colon < 0 ? "" : Text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port);
        return isHost && isPort && port > 0
            ? new IPEndPoint(address, port)
            : Refuse<IPEndPoint?>("is not an IP address with a port from 1 to 65535", null);
    }

    public IReadOnlyList<Uri> AsServers() => [.. AsList().Select(AsServer).OfType<Uri>()];

    /// <summary>Names with a value each, as in <c>name=true</c>.</summary>
    public IEnumerable<KeyValuePair<string, string>> AsPairs()
    {
        foreach (string[] pair in AsList().Select(text => text.Split('=', 2, StringSplitOptions.TrimEntries)))
        {
            if (pair is [var name, var value])
            {
                yield return KeyValuePair.Create(name, value);
            }
            else
            {
                Refuse(pair[0], "has no value, as in \"name=value\"", false);
            }
        }
    }

    /// <summary>Says what is wrong with a part of it.</summary>
    public void Refuse(string message) => Problems.Error(Name, message);

    public T AsOneOf<T>(T otherwise, params ReadOnlySpan<(string Text, T Value)> choices)
    {
        foreach (var (text, value) in choices)
        {
            if (text == Text)
            {
                return value;
            }
        }

        string[] names = [.. choices.ToArray().Select(c => c.Text).Where(t => t.Length > 0)];
        return Refuse($"is not one of {string.Join(", ", names)}", otherwise);
    }

    private Uri? AsServer(string text)
    {
        string full = text.Contains("://", StringComparison.Ordinal) ? text : $"http://{text}";
        return Uri.TryCreate(full, UriKind.Absolute, out var server) && server.Scheme is "http" or "https"
            ? new Uri(full)
            : Refuse<Uri?>(text, "is not the address of a server", null);
    }

    /// <summary>Only the forms that people mean: 10.1 or 0x7f000001 are addresses to the BCL.</summary>
    private static bool TryParseAddress(string text, out IPAddress address)
    {
        bool isAddress = IPAddress.TryParse(text, out var parsed)
            && (parsed.AddressFamily == AddressFamily.InterNetworkV6 ? text[0] != '[' : text.Count(c => c == '.') == 3);
        address = parsed ?? IPAddress.None;
        return isAddress;
    }

    private T Invalid<T>(string message, T otherwise)
    {
        Problems.Error(Name, $"Invalid value: {Text}: {message}");
        return otherwise;
    }

    private T Refuse<T>(string message, T otherwise) => Refuse(Text, message, otherwise);

    private T Refuse<T>(string text, string message, T otherwise)
    {
        Problems.Error(Name, $"\"{text}\" {message}");
        return otherwise;
    }
}
