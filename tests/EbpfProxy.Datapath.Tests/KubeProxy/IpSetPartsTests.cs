using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.KubeProxy;

public sealed class IpSetPartsTests : IDisposable
{
    private readonly ScratchNetworkNamespace _network = new();

    public void Dispose() => _network.Dispose();

    [KernelFact]
    public void Sets_of_kube_proxy_are_found_and_removed_and_those_of_others_stay() => _network.Invoke(() =>
    {
        string[] own =
        [
            "KUBE-6-CLUSTER-IP", "KUBE-6-LOAD-BALANCER-SOURCE-CID", "KUBE-6-NODE-PORT-LOCAL-SCTP-HAS", "KUBE-CLUSTER-IP", "KUBE-EXTERNAL-IP-LOCAL",
            "KUBE-HEALTH-CHECK-NODE-PORT", "KUBE-IPVS-IPS", "KUBE-LOAD-BALANCER-FW", "KUBE-LOOP-BACK", "KUBE-NODE-PORT-TCP",
        ];

        // The network policies of kube-router, and of k3s and k0s, which have it inside.
        string[] others = ["KUBE-DST-2FAIOUQWTVXHMQEB", "KUBE-POLICY", "KUBE-SRC-A7EXYVAHDHUBCC3G"];
        foreach (string name in own.Concat(others))
        {
            Assert.Equal(0, _network.Run("ipset create \"$1\" hash:ip", name).ExitCode);
        }

        var parts = IpSetParts.Find().ToArray();

        Assert.Equal(own.Select(name => $"ipset {name}"), parts.Select(part => part.Name));
        Array.ForEach(parts, part => part.Remove());
        Assert.Equal(others, _network.Run("ipset list -n").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    });
}
