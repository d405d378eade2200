using EbpfProxy.Datapath;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

public sealed class SocketSettingsTests
{
    private const string Ours = "---\nkind: EbpfProxyConfiguration\n";

    [Theory]
    [InlineData("", LoopbackNodePorts.Tcp4)]
    [InlineData("mode: iptables", LoopbackNodePorts.Tcp4)]
    [InlineData("mode: nftables", LoopbackNodePorts.None)]
    [InlineData("mode: ipvs", LoopbackNodePorts.None)]
    [InlineData("mode: nftables\niptables: {localhostNodePorts: true}", LoopbackNodePorts.None)] // kube-proxy's defaults, written out
    [InlineData("iptables: {localhostNodePorts: false}", LoopbackNodePorts.None)]
    [InlineData("iptables: {localhostNodePorts: null}", LoopbackNodePorts.Tcp4)]
    [InlineData("nodePortAddresses: [primary]", LoopbackNodePorts.None)]
    [InlineData("nodePortAddresses: [192.168.0.0/24]", LoopbackNodePorts.None)]
    [InlineData("nodePortAddresses: [\"::/0\"]", LoopbackNodePorts.None)]
    [InlineData("nodePortAddresses: [192.168.0.0/24, 127.0.0.1/32]", LoopbackNodePorts.Tcp4)]
    [InlineData("nodePortAddresses: [0.0.0.0/0]", LoopbackNodePorts.Tcp4)]
    [InlineData("nodePortAddresses: [128.0.0.0/1]", LoopbackNodePorts.None)]
    [InlineData("iptables: {localhostNodePorts: false}\n" + Ours + "localhostNodePorts: tcp4", LoopbackNodePorts.Tcp4)]
    [InlineData("mode: nftables\n" + Ours + "localhostNodePorts: all", LoopbackNodePorts.All)]
    [InlineData(Ours + "localhostNodePorts: \"off\"", LoopbackNodePorts.None)]
    public void Node_ports_on_loopback_are_kube_proxys_unless_ours_is_set(string yaml, LoopbackNodePorts expected)
    {
        Assert.Equal(expected, Parse(yaml).LoopbackNodePorts);
    }

    [Theory]
    [InlineData("", SocketTranslation.All)]
    [InlineData(Ours + "socketTranslation: host", SocketTranslation.Host)]
    [InlineData(Ours + "socketTranslation: \"off\"", SocketTranslation.Off)]
    public void Every_socket_is_translated_unless_told_otherwise(string yaml, SocketTranslation expected)
    {
        Assert.Equal(expected, Parse(yaml).Translation);
    }

    [Fact]
    public void Node_ports_are_reserved_only_if_told()
    {
        Assert.False(Parse("").ReservesNodePorts);
        Assert.True(Parse(Ours + "reserveNodePorts: true").ReservesNodePorts);
    }

    private static SocketOptions Parse(string yaml)
    {
        var problems = new Problems();
        var options = ConfigurationFile.Parse(
            $"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{yaml}", new ProxyOptions(), problems);
        Assert.Empty(problems.Errors);
        Assert.Empty(problems.Warnings);
        return SocketSettings.From(options);
    }
}
