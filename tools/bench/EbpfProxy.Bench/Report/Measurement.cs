namespace EbpfProxy.Bench.Report;

/// <summary>What `connect measure` told of one mode, and what it is called for people.</summary>
internal sealed record Measurement(string Title, string Path)
{
    private const string Bare = "bare";

    /// <summary>Every variant against the bare node.</summary>
    public IReadOnlyList<Ratio> Ratios { get; } = Rounds.Read(Path, Bare);

    public IReadOnlyList<Ratio> Against(string variant) => Rounds.Read(Path, variant);
}
