using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>
/// Nodes with a network between them, 192.168.77.0/24 and fd00:77::/64; two machines on that network that run no proxy, and a
/// client further away.
/// </summary>
public sealed class TestCluster : IDisposable
{
    private const int OutsideNumber = 100;
    private const int ForeignNumber = 101;

    private readonly ScratchNetworkNamespace _fabric = new();
    private readonly Machine _outside = new("outside");
    private readonly Machine _foreign = new("foreign");

    public TestCluster(ClusterShape? shape = null, int nodes = 2)
    {
        Shape = shape ?? new ClusterShape();
        Nodes = [.. Enumerable.Range(1, nodes).Select(number => new TestNode(number, Shape))];
        Routed = new RoutedNetwork(_fabric.Name);
        foreach (var node in Nodes)
        {
            NetworkSetUp.Join(_fabric.Name, node.Network.Name, node.Number);
        }

        NetworkSetUp.Join(_fabric.Name, _outside.Network.Name, OutsideNumber);
        NetworkSetUp.Join(_fabric.Name, _foreign.Network.Name, ForeignNumber);
        foreach (string machine in new[] { _outside.Network.Name, _foreign.Network.Name, Routed.Router })
        {
            foreach (var node in Nodes)
            {
                NetworkSetUp.RouteToPods(machine, node.Number);
            }
        }

        foreach (var node in Nodes)
        {
            NetworkSetUp.RouteToTheWorld(node.Network.Name);
            foreach (var other in Nodes.Where(other => other != node))
            {
                RouteBetween(node, other);
            }
        }
    }

    public ClusterShape Shape { get; }

    public IReadOnlyList<TestNode> Nodes { get; }

    public TestNode First => Nodes[0];

    public TestNode Second => Nodes[1];

    /// <summary>A machine on the nodes' network that knows where the pods are, and nothing of services.</summary>
    public Place Outside => _outside.Place;

    /// <summary>Another such machine, for what is asked by <see cref="Outside"/>.</summary>
    public Place Foreign => _foreign.Place;

    public RoutedNetwork Routed { get; }

    /// <summary>Sends what is for service, load-balancer and external addresses to the first node, from everywhere outside.</summary>
    public void RouteServicesToFirst()
    {
        foreach (string machine in new[] { _outside.Network.Name, _foreign.Network.Name, Routed.Router })
        {
            NetworkSetUp.RouteServices(machine, First.Number);
        }
    }

    public void Dispose()
    {
        foreach (var node in Nodes)
        {
            node.Dispose();
        }

        Routed.Dispose();
        _foreign.Dispose();
        _outside.Dispose();
        _fabric.Dispose();
    }

    private void RouteBetween(TestNode node, TestNode other)
    {
        if (Shape.PodNetwork == PodNetwork.Direct)
        {
            NetworkSetUp.RouteToPods(node.Network.Name, other.Number);
        }
        else
        {
            NetworkSetUp.TunnelToPods(node.Network.Name, node.Number, other.Number, Shape.PodNetwork);
        }
    }
}
