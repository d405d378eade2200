using System.Net;
using EbpfProxy.Daemon;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Daemon;

/// <summary>Which addresses of the node count where a service's source ranges have the node itself in them (kube-proxy's node IPs).</summary>
public sealed class NodeOptionsTests
{
    [Theory]
    [InlineData("", "0.0.0.0", "192.0.2.1 2001:db8::1", "192.0.2.1 2001:db8::1")]
    [InlineData("", "198.51.100.7", "192.0.2.1 2001:db8::1", "198.51.100.7 2001:db8::1")]
    [InlineData("203.0.113.9", "0.0.0.0", "192.0.2.1 2001:db8::1", "203.0.113.9")]
    [InlineData("203.0.113.9", "0.0.0.0", "", "203.0.113.9")]
    [InlineData("", "0.0.0.0", "", "")]
    public void Its_addresses_are_what_it_was_told_else_those_of_the_object(string told, string bind, string ofObject, string expected)
    {
        var options = new ProxyOptions { NodeIPs = [.. Split(told).Select(IPAddress.Parse)], BindAddress = IPAddress.Parse(bind) };
        var node = new ClusterNode("n1", "z1", [.. Split(ofObject).Select(Parse)], IsDeleted: false, IsLeaving: false);

        var context = NodeOptions.ContextOf(options, "n1", node);

        Assert.Equal(("n1", "z1", expected), (context.Name, context.Zone, string.Join(' ', context.Addresses)));
        Assert.Equal("", NodeOptions.ContextOf(options, "n1", node: null).Zone);
    }

    private static string[] Split(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static Address Parse(string text) => Address.TryParse(text, out var address) ? address : throw new FormatException(text);
}
