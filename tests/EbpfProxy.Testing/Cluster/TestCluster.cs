using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>
/// Two nodes with a network between them, 192.168.77.0/24 and fd00:77::/64; two machines on that network that run no proxy,
/// and a client further away.
/// </summary>
public sealed class TestCluster : IDisposable
{
    private const int OutsideNumber = 100;
    private const int ForeignNumber = 101;

    private readonly ScratchNetworkNamespace _fabric = new();
    private readonly Machine _outside = new("outside");
    private readonly Machine _foreign = new("foreign");

    public TestCluster(ClusterShape? shape = null)
    {
        Shape = shape ?? new ClusterShape();
        First = new TestNode(1, Shape);
        Second = new TestNode(2, Shape);
        Routed = new RoutedNetwork(_fabric.Name);
        NetworkSetUp.Join(_fabric.Name, First.Network.Name, First.Number);
        NetworkSetUp.Join(_fabric.Name, Second.Network.Name, Second.Number);
        NetworkSetUp.Join(_fabric.Name, _outside.Network.Name, OutsideNumber);
        NetworkSetUp.Join(_fabric.Name, _foreign.Network.Name, ForeignNumber);
        foreach (string machine in new[] { _outside.Network.Name, _foreign.Network.Name, Routed.Router })
        {
            NetworkSetUp.RouteToPods(machine, First.Number);
            NetworkSetUp.RouteToPods(machine, Second.Number);
        }

        RouteBetween(First, Second);
        RouteBetween(Second, First);
    }

    public ClusterShape Shape { get; }

    public TestNode First { get; }

    public TestNode Second { get; }

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
        First.Dispose();
        Second.Dispose();
        Routed.Dispose();
        _foreign.Dispose();
        _outside.Dispose();
        _fabric.Dispose();
    }

    private void RouteBetween(TestNode node, TestNode other)
    {
        NetworkSetUp.RouteToTheWorld(node.Network.Name);
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
