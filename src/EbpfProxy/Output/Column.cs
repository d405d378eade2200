namespace EbpfProxy.Output;

/// <summary>When a column is shown, and whether it counts as a change.</summary>
internal enum ColumnUse
{
    Always,

    /// <summary>Only with `-o wide`.</summary>
    Wide,

    /// <summary>Not on a terminal that has no room for it beside the others; of several the last ones go first.</summary>
    IfRoom,

    /// <summary>The same; it changes with time alone, which is no change of the row.</summary>
    Clock,
}

/// <summary>A column of a list.</summary>
/// <param name="Name">What stands above it.</param>
/// <param name="Cell">A row's cell, in words.</param>
/// <param name="Use">When it is shown.</param>
internal sealed record Column<TRow>(string Name, Func<TRow, string> Cell, ColumnUse Use = ColumnUse.Always)
{
    /// <summary>How many characters tell one cell from another: it is not cut below that while another column can go.</summary>
    public int Least { get; init; } = 10;

    /// <summary>Whether a cell that has no room goes on in the next line, in the place of being cut; for the last column.</summary>
    public bool Wraps { get; init; }

    /// <summary>Whether the cells are addresses with ports: where one is cut, the port stays.</summary>
    public bool HasPort { get; init; }
}

/// <summary>A column of addresses with ports.</summary>
internal static class AddressColumn
{
    /// <summary>Those of IPv4 are not cut while others can be.</summary>
    public static Column<TRow> Of<TRow>(string name, Func<TRow, string> cell, ColumnUse use = ColumnUse.Always) =>
        new(name, cell, use) { Least = "255.255.255.255:65535".Length, HasPort = true };
}
