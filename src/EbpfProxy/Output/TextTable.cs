namespace EbpfProxy.Output;

/// <summary>
/// Rows in columns that are as wide as their widest cell. Where a terminal is too narrow for them, first columns go that can
/// (<see cref="ColumnUse.IfRoom"/>), and a last line names them; then the widest are cut, to what tells their cells apart at
/// first, and addresses with ports last. A column of texts goes on in the next line instead (<see cref="Column{TRow}.Wraps"/>).
/// </summary>
internal static class TextTable
{
    private const int _gap = 3;
    private const int _narrowGap = 2;
    private const int _narrowest = 4;
    private const int _narrowestText = 20;

    public static void Write<TRow>(TextWriter output, Terminal terminal, IReadOnlyList<Column<TRow>> columns, IEnumerable<TRow> rows)
    {
        List<string[]> all = [[.. columns.Select(column => column.Name)], .. rows.Select(row => columns.Select(column => Words.Printable(column.Cell(row))).ToArray())];
        int[] widths = [.. Enumerable.Range(0, columns.Count).Select(column => all.Max(row => row[column].Length))];
        int gap = Sum(widths, _gap) > terminal.Width ? _narrowGap : _gap;
        List<int> shown = [.. Enumerable.Range(0, columns.Count)];
        while (Sum(shown.Select(i => Math.Min(widths[i], Math.Max(columns[i].Name.Length, columns[i].Least))), gap) > terminal.Width
            && shown.FindLastIndex(i => columns[i].Use is ColumnUse.IfRoom or ColumnUse.Clock) is >= 0 and var last)
        {
            shown.RemoveAt(last);
        }

        int[] fitting = [.. shown.Select(i => widths[i])];
        Fit(fitting, [.. shown.Select(i => columns[i].Wraps ? _narrowestText : widths[i])], gap, terminal.Width);
        Fit(fitting, [.. shown.Select(i => columns[i].Least)], gap, terminal.Width);
        Fit(fitting, [.. shown.Select(i => columns[i].HasPort ? columns[i].Least : _narrowest)], gap, terminal.Width);
        Fit(fitting, [.. shown.Select(_ => _narrowest)], gap, terminal.Width);
        for (int row = 0; row < all.Count; row++)
        {
            string[][] parts = [.. shown.Select((column, i) => columns[column].Wraps ? Wrap(all[row][column], fitting[i]) : [all[row][column]])];
            for (int part = 0; part < parts.Max(cell => cell.Length); part++)
            {
                string line = string.Concat(shown.Select((column, i) =>
                {
                    string cell = part < parts[i].Length ? parts[i][part] : "";
                    return Cut(terminal, columns[column], cell, fitting[i]) + Space(cell, fitting[i], i == shown.Count - 1 ? null : gap);
                })).TrimEnd();
                output.WriteLine(row == 0 ? terminal.Bold(line) : line);
            }
        }

        if (shown.Count < columns.Count)
        {
            var missing = columns.Where((_, i) => !shown.Contains(i)).Select(column => column.Name);
            output.WriteLine($"(too narrow for {string.Join(", ", missing)})");
        }
    }

    private static int Sum(IEnumerable<int> widths, int gap) => widths.Sum(width => width + gap) - gap;

    /// <summary>Takes from the widest column that has more than its least, one character after the other, until all fit.</summary>
    private static void Fit(int[] widths, int[] least, int gap, int? width)
    {
        while (Sum(widths, gap) > width)
        {
            int widest = -1;
            for (int i = 0; i < widths.Length; i++)
            {
                widest = widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) ? i : widest;
            }

            if (widest < 0)
            {
                return;
            }

            widths[widest]--;
        }
    }

    private static string Cut<TRow>(Terminal terminal, Column<TRow> column, string cell, int width)
    {
        if (cell.Length <= width)
        {
            return terminal.Coloured(cell, cell);
        }

        string port = column.HasPort && cell.LastIndexOf(':') is >= 0 and var colon && cell.Length - colon < width - 1 ? cell[colon..] : "";
        return terminal.Coloured(cell, $"{cell[..(width - 1 - port.Length)]}…{port}");
    }

    /// <summary>A text in lines, between words; a word that is too long stays whole.</summary>
    private static string[] Wrap(string text, int width)
    {
        List<string> lines = [""];
        foreach (string word in text.Split(' '))
        {
            if (lines[^1].Length > 0 && lines[^1].Length + 1 + word.Length > width)
            {
                lines.Add("");
            }

            lines[^1] += lines[^1].Length > 0 ? $" {word}" : word;
        }

        return [.. lines];
    }

    private static string Space(string cell, int width, int? gap) =>
        gap is { } size ? new string(' ', width + size - Math.Min(cell.Length, width)) : "";
}
