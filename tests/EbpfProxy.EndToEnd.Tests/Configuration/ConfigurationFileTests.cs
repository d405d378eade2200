using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Configuration;

/// <summary>kubeadm's configuration file, as its DaemonSet mounts it.</summary>
public sealed class ConfigurationFileTests : IDisposable
{
    private const string Address = "10.96.0.60";

    private readonly TestNode _node = new();
    private readonly ConfigurationVolume _volume = new(KubeadmFile.Text);
    private readonly Pod _client;

    public ConfigurationFileTests()
    {
        _client = _node.AddPod("client");
        var backend = _node.AddPod("a");
        backend.Serve("8080");
        _node.Manifests.Write(new ManifestService("web", Address, 80, 8080, backend.IPv4));
    }

    public void Dispose()
    {
        _node.Dispose();
        _volume.Dispose();
    }

    [KernelFact]
    public void Another_file_behind_the_links_ends_the_daemon_and_traffic_goes_on()
    {
        using var proxy = _node.StartProxy("--manifests", _node.Manifests.Path, "--config", _volume.Path);
        using var load = _client.Place.Load("tcp", (Address, 80, ""));
        load.WaitForMore(100);

        _volume.Swap(KubeadmFile.Text.Replace("masqueradeAll: false", "masqueradeAll: true", StringComparison.Ordinal));

        Assert.Equal(1, proxy.WaitForExit());
        proxy.AssertLogs(line => line.Contains("content of the proxy server's configuration file was updated", StringComparison.Ordinal));
        load.WaitForMore(500);
        using var next = _node.StartProxy("--manifests", _node.Manifests.Path, "--config", _volume.Path);
        load.WaitForMore(100);
        load.EndWithoutFailure();
    }

    [KernelFact]
    public void Pod_prefixes_that_change_end_the_daemon_that_goes_by_them()
    {
        WriteNode("10.244.1.0/24");
        using var proxy = _node.StartProxy("--manifests", _node.Manifests.Path, "--detect-local-mode=NodeCIDR");

        WriteNode("10.244.9.0/24");

        Assert.Equal(1, proxy.WaitForExit());
        proxy.AssertLogs(line => line.Contains("podCIDRs changed from 10.244.1.0/24 to 10.244.9.0/24", StringComparison.Ordinal));
        Assert.NotEmpty(_client.Place.Ask("tcp4", Address, 80));
    }

    [KernelFact]
    public void Pod_prefixes_that_change_mean_nothing_in_another_mode()
    {
        WriteNode("10.244.1.0/24");
        using var proxy = _node.StartProxy("--manifests", _node.Manifests.Path);

        WriteNode("10.244.9.0/24");
        _node.Manifests.Write(new ManifestService("later", "10.96.0.61", 80, 8080, "10.244.1.200"));
        _node.WaitForBackends("later", "10.244.1.200");

        Assert.False(proxy.HasExited);
    }

    [KernelFact]
    public void A_primary_family_without_the_kernels_support_is_the_end()
    {
        Shell.Require("nsenter --net=\"$1\" sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6'", _node.Network.Path);

        using var proxy = new NodeProxy(_node, "--manifests", _node.Manifests.Path, "--node-ip=fd00:77::1,192.168.77.1");

        Assert.Equal(1, proxy.WaitForExit());
        Assert.Contains(proxy.Log, line => line.Contains("no support for primary IP family \\\"IPv6\\\"", StringComparison.Ordinal)
            || line.Contains("no support for primary IP family \"IPv6\"", StringComparison.Ordinal));
    }

    private void WriteNode(string prefix) => _node.Manifests.WriteText(
        "node",
        $$"""
        {"apiVersion":"v1","kind":"Node","metadata":{"name":"{{_node.Name}}"},"spec":{"podCIDR":"{{prefix}}","podCIDRs":["{{prefix}}"]},"status":{"addresses":[{"type":"InternalIP","address":"10.244.1.1"}]} }
        """);
}
