using System.Net;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Stale;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Stale;

/// <summary>With the real connection tracking of a network namespace that has no entries; only what fails is made to fail.</summary>
public sealed class StaleFlowCleanerTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    private readonly ScratchNetworkNamespace _network = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly LogLines _log = new();
    private readonly Looks _looks = new();

    public void Dispose()
    {
        _stop.Dispose();
        _network.Dispose();
    }

    [KernelFact]
    public void CT_07_A_look_that_fails_is_told_and_done_again_without_another_change()
    {
        int calls = 0;
        var cleaner = new StaleFlowCleaner(
            _ => ++calls == 1 ? throw new IOException("the dump was cut") : [],
            new StaleSockets(new NetworkNamespaces(_log), _log),
            _ => false,
            TimeProvider.System,
            _log);
        var running = Task.Run(() => cleaner.RunAsync(_looks, _stop.Token));

        cleaner.Add([Service()]);
        Eventually.Holds(() => _log.All.Any(line => line.Contains("the dump was cut", StringComparison.Ordinal)), _deadline);
        Assert.Equal(0, _looks.Count);

        Eventually.Holds(() => _looks.Count == 1, _deadline);
        Assert.False(running.IsCompleted);
        _stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => running.GetAwaiter().GetResult());
    }

    private static PortTables Service() => new()
    {
        Key = new ServiceKey(new ObjectName("default", "dns"), "dns", Protocol.Udp, IpFamily.IPv4),
        Frontends = [new Frontend(Address.From(IPAddress.Parse("10.96.0.10")), 53, FrontendKind.ClusterIP)],
        Backends = [new Backend(Address.From(IPAddress.Parse("10.244.1.2")), 53, BackendUse.Serving | BackendUse.InClusterSet)],
        Verdicts = new TrafficVerdicts(Verdict.Cluster, Verdict.Cluster, Verdict.Cluster),
    };

    private sealed class Looks : IStaleFlowListener
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void OnReconciled(IpFamily family, TimeSpan duration, int deleted) => Interlocked.Increment(ref _count);
    }
}
