namespace EbpfProxy.Options;

/// <summary>What the section of one of kube-proxy's modes says; that of the chosen mode counts.</summary>
internal sealed record ModeOptions
{
    public TimeSpan SyncPeriod { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan MinSyncPeriod { get; init; } = TimeSpan.FromSeconds(1);

    public bool MasqueradesAll { get; init; }
}
