namespace EbpfProxy.Controller.Manifests;

/// <summary>Text that is not YAML, or that no object can be made of.</summary>
public sealed class YamlFormatException(long line, long column, string message) : Exception($"line {line}, column {column}: {message}")
{
    public long Line { get; } = line;

    public long Column { get; } = column;

    /// <summary>What is wrong, without the place.</summary>
    public string Reason { get; } = message;
}
