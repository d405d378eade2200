namespace EbpfProxy.Datapath.Devices;

/// <summary>Where the programs are. May be read from any thread.</summary>
/// <param name="Attached">How many devices have them.</param>
/// <param name="Failed">The names of those that should and do not.</param>
/// <param name="Unmatched">The patterns of the operator's, where none matches a device of the node; empty while one does.</param>
public readonly record struct DeviceCoverage(int Attached, IReadOnlyList<string> Failed, IReadOnlyList<string> Unmatched)
{
    /// <summary>Of a datapath without programs at devices.</summary>
    internal static DeviceCoverage None { get; } = new(0, [], []);
}
