namespace EbpfProxy.Controller.Sync;

/// <summary>How the tables of this node do.</summary>
/// <param name="LastSync">When they were last brought up to date; null before the first time.</param>
/// <param name="Error">Why they could not be brought up to date since; null where nothing failed.</param>
public sealed record SyncState(DateTimeOffset? LastSync, string? Error);
