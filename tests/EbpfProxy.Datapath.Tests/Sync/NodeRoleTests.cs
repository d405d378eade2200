using System.Net;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests.Sync;

/// <summary>Where node ports are, and what is known of that for connections that have one.</summary>
public sealed class NodeRoleTests
{
    private readonly WriterHarness _harness = new();
    private readonly FrontendRows _rows;

    public NodeRoleTests() => _rows = new FrontendRows(_harness.Tables, _ => true);

    [Fact]
    public void Address_that_accepts_node_ports_no_more_takes_frontends_with_it()
    {
        _harness.AddNodeRole("192.0.2.1", AddressRole.Node);
        _harness.AddNodeRole("192.0.2.1", AddressRole.OnDevice);
        Assert.Empty(_harness.Losses);

        _harness.RemoveNodeRole("192.0.2.1", AddressRole.Node);

        // Before it goes: a packet that comes a moment later has to be looked for.
        Assert.Equal(["192.0.2.1 Node, OnDevice"], _harness.Losses);
        _harness.RemoveNodeRole("192.0.2.1", AddressRole.OnDevice);
        Assert.Single(_harness.Losses);
    }

    [Fact]
    public void Node_port_is_a_frontend_at_an_address_that_accepts_it()
    {
        _harness.AddNodeRole("192.0.2.1", AddressRole.Node);
        _harness.AddNodeRole("192.0.2.2", AddressRole.OnDevice);
        _harness.Apply(WithNodePort(WithExternalIP(Service("a", "10.96.0.1", "10.0.0.1"), "198.51.100.1"), 30080));

        Assert.True(Has("192.0.2.1", 30080));
        Assert.False(Has("192.0.2.1", 30081));
        Assert.False(Has("192.0.2.2", 30080));
        Assert.False(Has("198.51.100.1", 30080));
        Assert.True(Has("198.51.100.1", 80));
        Assert.True(Has("10.96.0.1", 80));
    }

    private bool Has(string address, ushort port) => _rows.Has(Address.From(IPAddress.Parse(address)), port, Protocol.Tcp);
}
