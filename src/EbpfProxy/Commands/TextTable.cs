namespace EbpfProxy.Commands;

/// <summary>Rows in columns that are as wide as their widest cell.</summary>
internal static class TextTable
{
    private const int _gap = 3;

    public static void Write(TextWriter output, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> all = [header, .. rows];
        int[] widths = [.. Enumerable.Range(0, header.Count).Select(column => all.Max(row => row[column].Length))];
        foreach (var row in all)
        {
            output.WriteLine(string.Concat(row.Select((cell, column) => cell.PadRight(widths[column] + _gap))).TrimEnd());
        }
    }
}
