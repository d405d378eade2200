namespace EbpfProxy.Output;

/// <summary>The forms in which the commands that look at the node can answer.</summary>
internal enum OutputForm
{
    /// <summary>Columns for people, as wide as the terminal.</summary>
    Text,

    /// <summary>All columns, cut off nowhere.</summary>
    Wide,
    Json,
    Yaml,
}
