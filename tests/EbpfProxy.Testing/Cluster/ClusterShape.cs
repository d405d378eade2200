namespace EbpfProxy.Testing.Cluster;

/// <summary>How a node reaches its pods.</summary>
public enum PodLinks
{
    /// <summary>A bridge with the pods' gateway on it.</summary>
    Bridge,

    /// <summary>A route of one address for each pod; the pods' gateway is 169.254.1.1, or fe80::1, that the node answers for.</summary>
    Routed,
}

/// <summary>How packets between pods of different nodes travel.</summary>
public enum PodNetwork
{
    /// <summary>Routed as they are.</summary>
    Direct,

    /// <summary>Ethernet frames in UDP.</summary>
    Vxlan,

    /// <summary>Packets without an Ethernet header in UDP.</summary>
    Layer3Tunnel,
}

/// <summary>What a CNI and an operator have made of the nodes.</summary>
public sealed record ClusterShape
{
    public PodLinks PodLinks { get; init; }

    public PodNetwork PodNetwork { get; init; }

    /// <summary>Whether pods are masked by their node when they talk to what is no pod.</summary>
    public bool Masquerades { get; init; }

    /// <summary>Whether only what belongs to pods is forwarded, and nothing that connection tracking calls invalid.</summary>
    public bool DropsForwarded { get; init; }

    /// <summary>Whether a packet has to come in where its answer would go out.</summary>
    public bool FiltersReversePath { get; init; }

    /// <summary>Whether frames that a bridge passes on go through the rules for packets.</summary>
    public bool BridgeCallsNetfilter { get; init; }

    public override string ToString() => string.Join(
        ' ',
        new[]
        {
            $"{PodLinks}",
            $"{PodNetwork}",
            Masquerades ? "masquerade" : "",
            DropsForwarded ? "forward-drop" : "",
            FiltersReversePath ? "rp-filter" : "",
            BridgeCallsNetfilter ? "bridge-nf" : "",
        }.Where(word => word.Length > 0));
}
