namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>Something of kube-proxy's in the kernel of this node, which goes in one step.</summary>
public sealed class KubeProxyPart
{
    private readonly Action _remove;

    internal KubeProxyPart(string name, string contents, Action remove, bool translates = false)
    {
        Translates = translates;
        Name = name;
        Contents = contents;
        _remove = remove;
    }

    /// <summary>What it is, in words.</summary>
    public string Name { get; }

    /// <summary>How much of it there is, and what of it stays for others; in words.</summary>
    public string Contents { get; }

    /// <summary>Whether new connections to services are translated by it, as it is now.</summary>
    public bool Translates { get; }

    /// <summary>Takes it away, whole or not at all; of several servers of IPVS one after the other.</summary>
    /// <exception cref="IOException">The kernel refuses, for something else uses it.</exception>
    public void Remove() => _remove();

    public override string ToString() => $"{Name} ({Contents})";
}
