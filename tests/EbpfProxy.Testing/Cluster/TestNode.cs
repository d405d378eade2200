using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>
/// A node on this machine: a network namespace with a bridge for its pods, a part of the cgroup tree, a BPF file system
/// and a folder of manifests. Its proxy and the processes of its pods all run below it, and go with it.
/// </summary>
public sealed class TestNode : IDisposable
{
    private readonly CgroupTree _cgroups = new();
    private readonly ScratchNetworkNamespace _network = new();
    private readonly ScratchBpffs _bpffs = new();
    private readonly List<Pod> _pods = [];

    /// <param name="number">Below 255, and another for each node of a cluster: its pods are in 10.244.number.0/24.</param>
    public TestNode(int number = 1)
    {
        Number = number;
        Name = $"node-{number}";
        Manifests = new ManifestDirectory();
        Host = new Place(_cgroups.AddChild("host"), _network.Path);
        NetworkSetUp.MakeNode(_network.Name, number);
    }

    public int Number { get; }

    public string Name { get; }

    /// <summary>The binary that the next proxy is started from.</summary>
    public string Binary { get; set; } = ProxyBinary.Path;

    /// <summary>What the proxy follows.</summary>
    public ManifestDirectory Manifests { get; }

    /// <summary>A process of the node itself.</summary>
    public Place Host { get; }

    public ScratchNetworkNamespace Network => _network;

    public string CgroupRoot => _cgroups.Path;

    public string BpfFileSystem => _bpffs.Path;

    /// <summary>A pod with the addresses 10.244.node.host and fd00:10:244:node::host.</summary>
    public Pod AddPod(string name)
    {
        int host = 10 + _pods.Count;
        var pod = new Pod(name, _cgroups.AddChild(name), $"10.244.{Number}.{host}", $"fd00:10:244:{Number}::{host:x}");
        NetworkSetUp.MakePod(_network.Name, Number, pod, host);
        _pods.Add(pod);
        return pod;
    }

    /// <summary>The proxy, ready.</summary>
    public NodeProxy StartProxy() => StartProxy("--manifests", Manifests.Path);

    /// <summary>The proxy with another source of objects, ready.</summary>
    public NodeProxy StartProxy(params string[] source)
    {
        var proxy = new NodeProxy(this, source);
        try
        {
            proxy.WaitUntilReady();
            return proxy;
        }
        catch
        {
            proxy.Dispose();
            throw;
        }
    }

    /// <summary>A command of the binary that looks at this node's tables.</summary>
    public ShellResult Command(params string[] words) => Host.Run([ProxyBinary.Path, .. words, "--bpffs", BpfFileSystem]);

    public void Dispose()
    {
        _cgroups.Dispose();
        foreach (var pod in _pods)
        {
            pod.Dispose();
        }

        _network.Dispose();
        _bpffs.Dispose();
        Manifests.Dispose();
    }
}
