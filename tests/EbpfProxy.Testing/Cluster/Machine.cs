using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>A network namespace of its own that runs no proxy, and a cgroup that no proxy knows for what runs in it.</summary>
public sealed class Machine : IDisposable
{
    private readonly ScratchNetworkNamespace _network = new();
    private readonly CgroupTree _cgroups = new();

    public Machine(string name) => Place = new Place(_cgroups.AddChild(name), _network.Path);

    public Place Place { get; }

    public ScratchNetworkNamespace Network => _network;

    public void Dispose()
    {
        _cgroups.Dispose();
        _network.Dispose();
    }
}
