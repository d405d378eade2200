using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.KubeProxy;

/// <summary>The daemon takes over by itself, and tells why it does not.</summary>
public sealed class TakeoverWatchTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromMinutes(3);

    private readonly TestNode _node = new();

    public void Dispose() => _node.Dispose();

    [KernelFact]
    public async Task Rules_go_when_kube_proxy_has_left_and_the_cluster_hears_of_both()
    {
        await using var server = await KubernetesApiServer.StartAsync(new() { Namespace = _node.Network });
        string kubeconfig = Path.Combine(_node.Manifests.Path, "kubeconfig");
        new Kubeconfig { Server = server.Address }.Write(kubeconfig);
        var rules = new KubeProxyRules(_node.Network.Name, KubeProxyMode.Nftables, 4);
        rules.Load("10.96.0.70", 80, "10.244.1.9", 8080);
        var other = new RunningKubeProxy(_node);
        using var proxy = _node.StartProxy("--kubeconfig", kubeconfig);

        using (other)
        {
            Eventually.Holds(() => proxy.Metric("ebpf_proxy_kube_proxy_running") == 1 && proxy.Metric("ebpf_proxy_kube_proxy_parts") == 1, _deadline);
            Assert.True(rules.AreThere);
            Eventually.Holds(() => Notes(server).Any(note => note.Contains($"process {other.Pid} is kube-proxy", StringComparison.Ordinal)), _deadline);
        }

        Eventually.Holds(() => !rules.AreThere, _deadline);
        Eventually.Holds(() => proxy.Metric("ebpf_proxy_kube_proxy_running") == 0 && proxy.Metric("ebpf_proxy_kube_proxy_parts") == 0, _deadline);
        Eventually.Holds(() => Notes(server).Contains("Removed nftables table ip kube-proxy"), _deadline);
    }

    [KernelFact]
    public void Rules_stay_where_the_services_are_those_of_a_folder()
    {
        var rules = new KubeProxyRules(_node.Network.Name, KubeProxyMode.Nftables, 4);
        rules.Load("10.96.0.70", 80, "10.244.1.9", 8080);
        using var proxy = _node.StartProxy();

        proxy.WaitForLog(line => line.Contains("What kube-proxy has on this node stays: takeover is false", StringComparison.Ordinal));

        Assert.True(rules.AreThere);
        Eventually.Holds(() => proxy.Metric("ebpf_proxy_kube_proxy_parts") == 1, _deadline);
    }

    private static IEnumerable<string> Notes(KubernetesApiServer server) => server.Events.Select(item => $"{item["note"]}");
}
