namespace EbpfProxy.Output;

/// <summary>What is written to: a terminal, which has a width and perhaps colours, or a file or pipe.</summary>
/// <param name="Width">How many characters a line has; null where lines do not end.</param>
/// <param name="HasColours">Whether words may be coloured: on a terminal, unless NO_COLOR says otherwise.</param>
internal sealed record Terminal(int? Width, bool HasColours)
{
    /// <summary>No terminal: whole lines, without colours.</summary>
    public static Terminal None { get; } = new(null, HasColours: false);

    /// <summary>Begins anew at the top.</summary>
    public static string Clear => "\e[H\e[2J\e[3J";

    /// <summary>How many lines it has; null where there is no end.</summary>
    public int? Height { get; init; }

    /// <summary>How many rows of a table that is drawn anew fit with its head, a note below it and the cursor.</summary>
    public int Rows => Height is { } height ? Math.Max(1, height - 3) : int.MaxValue;

    public bool IsTerminal => Width is not null;

    /// <summary>The terminal that the standard output is, if <paramref name="output"/> is that.</summary>
    public static Terminal Of(TextWriter output)
    {
        if (output != Console.Out || Console.IsOutputRedirected)
        {
            return None;
        }

        bool isPlain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) || Environment.GetEnvironmentVariable("TERM") == "dumb";
        return OfSize(Console.WindowWidth, Console.WindowHeight, !isPlain);
    }

    /// <summary>One that does not say how large it is, as a runtime makes it for a container, counts as 80 by 24.</summary>
    internal static Terminal OfSize(int columns, int lines, bool hasColours) =>
        new(columns > 0 ? Math.Max(columns, 20) : 80, hasColours) { Height = lines > 0 ? Math.Max(lines, 3) : 24 };

    public string Bold(string text) => HasColours ? $"\e[1m{text}\e[0m" : text;

    /// <summary>A word in the colour of what it says: green where all is well, yellow where nothing new goes, red where traffic ends.</summary>
    public string Coloured(string word, string text) => word switch
    {
        _ when !HasColours => text,
        "ready" or "open" or "ok" or "established" or "ADDED" or "picked" => $"\e[32m{text}\e[0m",
        "passed-over" or "opening" or "half-closed" or "absent" or "CHANGED" => $"\e[33m{text}\e[0m",
        "refuse" or "drop" or "missing" or "closed" or "REMOVED" or "refused" or "dropped" => $"\e[31m{text}\e[0m",
        _ => text,
    };
}
