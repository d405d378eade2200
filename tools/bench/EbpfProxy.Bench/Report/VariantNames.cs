namespace EbpfProxy.Bench.Report;

/// <summary>What variants are called for people.</summary>
internal static class VariantNames
{
    public static string Of(string variant) => variant switch
    {
        "bare-again" => "bare node, again (noise)",
        "nothing" or "nothing-passing" => "direct, beside programs that do nothing",
        "beside" => "direct, beside the daemon",
        "backend-itself" => "direct, to a service's own endpoint",
        "service-of-10" => "ClusterIP, 10 services",
        "service-of-10000" => "ClusterIP, 10,000 services",
        "nftables-beside" => "kube-proxy's nftables: direct",
        "nftables-service-of-10000" => "kube-proxy's nftables: ClusterIP, 10,000",
        "passing" => "direct, beside the daemon",
        "least-masked" => "the least that tc can be, client masked",
        "least-kept" => "the least that tc can be, client kept",
        "least-stack-kept" => "the least that tc can be through the stack, client kept",
        "bare-far" => "bare node, to the other node",
        "stack-masked" => "node port, through the stack, client masked",
        "stack-kept" => "node port, through the stack, client kept",
        "stack-far" => "node port to the other node, through the stack",
        "fast-masked" => "node port, fast path, client masked",
        "fast-kept" => "node port, fast path, client kept",
        "fast-far" => "node port to the other node, fast path",
        "nftables-masked" => "kube-proxy's nftables: node port, client masked",
        "nftables-kept" => "kube-proxy's nftables: node port, client kept",
        "nftables-far" => "kube-proxy's nftables: node port to the other node",
        "iptables-masked" => "kube-proxy's iptables: node port, client masked",
        "iptables-kept" => "kube-proxy's iptables: node port, client kept",
        _ => variant,
    };
}
