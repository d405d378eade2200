namespace EbpfProxy.Model.Cluster;

/// <summary>What of the node the choice of endpoints depends on; where it changes, every Service is built again.</summary>
/// <param name="Name">The name that node hints are compared with.</param>
/// <param name="Zone">The zone that zone hints are compared with; empty for none, which no hint matches.</param>
public readonly record struct NodeContext(string Name, string Zone);
