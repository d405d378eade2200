using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Programs of others at the uplink, before and after ours, under traffic.</summary>
public abstract class ForeignProgramTests : IDisposable
{
    private protected const string Uplink = "uplink";

    private readonly List<Witness> _before = [];
    private readonly List<Witness> _after = [];
    private Witness? _out;

    private protected ForeignProgramTests(Func<PacketStage> stage)
    {
        Assert.SkipUnless(BpfProbe.Tcx == BpfFeature.Available, "needs tcx");
        Stage = stage();
    }

    private protected PacketStage Stage { get; }

    public void Dispose()
    {
        foreach (var witness in _before.Concat(_after))
        {
            witness.Dispose();
        }

        _out?.Dispose();
        Stage.Dispose();
        GC.SuppressFinalize(this);
    }

    [KernelFact]
    public void They_see_all_that_is_not_ours()
    {
        Stage.Cluster.Outside.Bulk("tcp", Stage.Near.IPv4, PacketStage.BackendPort, 100_000);
        Stage.Cluster.Outside.Ask("udp4-connect", Stage.Near.IPv4, PacketStage.BackendPort);

        uint seen = _before[0].Seen(Stage.Near.IPv4);
        Assert.True(seen > 10);
        Assert.All(_before.Concat(_after), witness => Assert.Equal(seen, witness.Seen(Stage.Near.IPv4)));
        Assert.True(_out!.Seen(Stage.AddressOf(Asker.Outside, 4)) > 10);
    }

    [KernelFact]
    public void Those_before_see_the_service_and_those_after_the_backend()
    {
        Eventually.Holds(() => Stage.Proxy.Metric("ebpf_proxy_fast_path") == 0, TimeSpan.FromSeconds(10));
        var door = Stage.Door(PacketStage.OverNear, Frontend.LoadBalancer, 4);

        Stage.Cluster.Outside.Bulk("tcp", door.Address, door.Port, 100_000);
        Stage.Cluster.Outside.Ask("udp4-connect", door.Address, door.Port);

        uint seen = _before[0].Seen(door.Address);
        Assert.True(seen > 10);
        Assert.All(_before, witness => Assert.Equal((seen, 0u), (witness.Seen(door.Address), witness.Seen(Stage.Near.IPv4))));
        Assert.All(_after, witness => Assert.Equal((0u, seen), (witness.Seen(door.Address), witness.Seen(Stage.Near.IPv4))));
        Assert.True(_out!.Seen(Stage.AddressOf(Asker.Outside, 4)) > 10);
    }

    [KernelFact]
    public void They_stay_when_the_daemon_comes_again_and_are_named_in_the_status()
    {
        Stage.Proxy.Kill();
        Stage.Restart();

        Stage.Cluster.Outside.Ask("udp4-connect", Stage.Near.IPv4, PacketStage.BackendPort);

        Assert.All(_before.Concat(_after), witness => Assert.Equal(3u, witness.Seen(Stage.Near.IPv4)));
        string line = Stage.Node.Command("status").Output.Split('\n').Single(line => line.Contains("uplink", StringComparison.Ordinal) && line.Contains(" ingress", StringComparison.Ordinal));
        Assert.Contains("witness", line, StringComparison.Ordinal);
    }

    private protected void Before(Witness witness) => _before.Add(witness);

    private protected void After(Witness witness) => _after.Add(witness);

    private protected void Outgoing(Witness witness) => _out = witness;
}
