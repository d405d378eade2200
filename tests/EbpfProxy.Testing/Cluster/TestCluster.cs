using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>Two nodes with a network between them, and a machine outside that runs no proxy.</summary>
public sealed class TestCluster : IDisposable
{
    private const int OutsideNumber = 100;

    private readonly ScratchNetworkNamespace _fabric = new();
    private readonly ScratchNetworkNamespace _outside = new();
    private readonly CgroupTree _outsideCgroups = new();

    public TestCluster()
    {
        First = new TestNode(1);
        Second = new TestNode(2);
        foreach (var (network, number) in new[] { (First.Network, 1), (Second.Network, 2), (_outside, OutsideNumber) })
        {
            NetworkSetUp.Join(_fabric.Name, network.Name, number);
            foreach (int node in Enumerable.Range(1, 2).Where(node => node != number))
            {
                NetworkSetUp.RouteToPods(network.Name, node);
            }
        }

        Outside = new Place(_outsideCgroups.AddChild("outside"), _outside.Path);
    }

    public TestNode First { get; }

    public TestNode Second { get; }

    /// <summary>A machine that knows where the pods are, and nothing of services.</summary>
    public Place Outside { get; }

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        _outsideCgroups.Dispose();
        _outside.Dispose();
        _fabric.Dispose();
    }
}
