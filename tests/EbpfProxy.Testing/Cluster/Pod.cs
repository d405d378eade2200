using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>A network namespace with an address of each family, and a cgroup for what runs in it.</summary>
public sealed class Pod(string name, string cgroup, string hiddenCgroup, string ipv4, string ipv6) : IDisposable
{
    private readonly ScratchNetworkNamespace _network = new();

    public string Name { get; } = name;

    public string IPv4 { get; } = ipv4;

    public string IPv6 { get; } = ipv6;

    public Place Place => new(cgroup, _network.Path);

    /// <summary>The same pod in a sandbox or virtual machine: its sockets are in no kernel that the proxy's programs see.</summary>
    public Place Sandbox => new(hiddenCgroup, _network.Path);

    public ScratchNetworkNamespace Network => _network;

    internal string NetworkName => _network.Name;

    public void Dispose() => _network.Dispose();
}
