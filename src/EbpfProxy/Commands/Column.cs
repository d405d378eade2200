namespace EbpfProxy.Commands;

/// <summary>When a column is shown, and whether it counts as a change.</summary>
internal enum ColumnUse
{
    Always,

    /// <summary>Only with `-o wide`.</summary>
    Wide,

    /// <summary>Always; it changes with time alone, which is no change of the row.</summary>
    Clock,
}

/// <summary>A column of a list.</summary>
/// <param name="Name">What stands above it.</param>
/// <param name="Cell">A row's cell, in words.</param>
/// <param name="Use">When it is shown.</param>
internal sealed record Column<TRow>(string Name, Func<TRow, string> Cell, ColumnUse Use = ColumnUse.Always);
