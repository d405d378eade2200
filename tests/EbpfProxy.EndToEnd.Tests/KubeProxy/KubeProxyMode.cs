namespace EbpfProxy.EndToEnd.Tests.KubeProxy;

/// <summary>How a kube-proxy translates, and by which tool its rules came into the kernel.</summary>
public enum KubeProxyMode
{
    Nftables,
    Iptables,

    /// <summary>In the kernel's tables of before nftables.</summary>
    IptablesLegacy,
}
