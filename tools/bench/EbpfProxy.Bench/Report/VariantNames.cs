namespace EbpfProxy.Bench.Report;

/// <summary>What variants are called for people.</summary>
internal static class VariantNames
{
    public static string Of(string variant) => variant switch
    {
        "bare-again" => "bare node, again (noise)",
        "beside" => "direct, beside the daemon",
        "backend-itself" => "direct, to a service's own endpoint",
        "service-of-10" => "ClusterIP, 10 services",
        "service-of-10000" => "ClusterIP, 10,000 services",
        "nftables-beside" => "kube-proxy's nftables: direct",
        "nftables-service-of-10000" => "kube-proxy's nftables: ClusterIP, 10,000",
        _ => variant,
    };
}
