namespace EbpfProxy.Commands;

/// <summary>Rows in columns that are as wide as their widest cell, or narrower where the terminal is too narrow for them.</summary>
internal static class TextTable
{
    private const int _gap = 3;
    private const int _narrowest = 4;

    public static void Write(TextWriter output, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows) =>
        Write(output, Terminal.None, header, rows);

    public static void Write(TextWriter output, Terminal terminal, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> all = [header, .. rows];
        int[] widths = [.. Enumerable.Range(0, header.Count).Select(column => all.Max(row => row[column].Length))];
        Fit(widths, terminal.Width);
        for (int row = 0; row < all.Count; row++)
        {
            string line = string.Concat(all[row].Select((cell, column) => Pad(terminal, cell, widths[column], isLast: column == header.Count - 1))).TrimEnd();
            output.WriteLine(row == 0 ? terminal.Bold(line) : line);
        }
    }

    /// <summary>Takes from the widest column, one character after the other, until all fit.</summary>
    private static void Fit(int[] widths, int? width)
    {
        while (widths.Sum() + (_gap * (widths.Length - 1)) > width && widths.Max() > _narrowest)
        {
            widths[Array.IndexOf(widths, widths.Max())]--;
        }
    }

    private static string Pad(Terminal terminal, string cell, int width, bool isLast)
    {
        string text = cell.Length > width ? $"{cell[..(width - 1)]}…" : cell;
        return terminal.Coloured(cell, text) + new string(' ', isLast ? 0 : width + _gap - text.Length);
    }
}
