using EbpfProxy.Datapath.Conntrack;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.Datapath.Tests.Conntrack;

/// <summary>The table of tracked flows against a kernel whose connection tracking translates some.</summary>
public sealed class ConntrackFollowerTests : IDisposable
{
    private const string Frontend = "10.96.0.1";

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    private readonly TranslatedStage _stage = new();
    private readonly BpfMap _map = BpfMap.Create(new BpfMapOptions
    {
        Type = BpfMapType.Hash,
        KeySize = 40,
        ValueSize = 16,
        MaxEntries = 16,
        Flags = BpfMapFlags.NoPreallocation,
    });

    private readonly ConntrackFollower _follower;

    public ConntrackFollowerTests()
    {
        _follower = new ConntrackFollower(new TrackedTable(_map, TimeProvider.System), TimeProvider.System, NullLogger.Instance);
        _stage.Translate("udp", Frontend);
    }

    public void Dispose()
    {
        _follower.Dispose();
        _map.Dispose();
        _stage.Dispose();
    }

    [KernelFact]
    public async Task Flows_that_begin_and_end_after_the_start_are_heard_of()
    {
        _stage.Node.Invoke(_follower.Start);
        using var end = new CancellationTokenSource();
        var following = _follower.RunAsync(end.Token);
        Assert.Equal((0, 0), _follower.Fill);

        Ask();
        Eventually.Holds(() => _follower.Fill.Rows == 1, _deadline);

        _stage.Node.Invoke(() => Assert.Equal(1, DeleteAll()));
        Eventually.Holds(() => _follower.Fill.Rows == 0, _deadline);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
    }

    [KernelFact]
    public void Look_finds_what_was_not_heard_and_removes_what_is_gone() => _stage.Node.Invoke(() =>
    {
        _follower.Start();
        Ask();
        Ask();
        Assert.Equal(0, _follower.Fill.Rows);

        _follower.Look(isFirst: false);
        Assert.Equal(2, _follower.Fill.Rows);

        Assert.Equal(2, DeleteAll());
        _follower.Look(isFirst: false);
        Assert.Equal(0, _follower.Fill.Rows);
    });

    [KernelFact]
    public void Nothing_is_listened_to_while_nothing_is_translated() => _stage.Node.Invoke(() =>
    {
        AskDirectly();
        _follower.Start();
        Assert.True(_follower.IsListening);

        _follower.Look(isFirst: false);
        Assert.False(_follower.IsListening);

        Ask();
        _follower.Look(isFirst: false);
        Assert.Equal((true, 1), (_follower.IsListening, _follower.Fill.Rows));
    });

    [KernelFact]
    public async Task Kernel_tells_of_translated_flows_alone()
    {
        ConntrackEvents? events = null;
        _stage.Node.Invoke(() => events = new ConntrackEvents());
        var told = new List<ConntrackFlow>();

        AskDirectly();
        Ask();
        AskDirectly();
        using var deadline = new CancellationTokenSource(_deadline);
        while (!told.Any(flow => flow.IsTranslated))
        {
            await events!.ReadAsync((in flow) => told.Add(flow), (in _) => { }, deadline.Token);
        }

        events!.Dispose();
        Assert.All(told, flow => Assert.True(flow.IsTranslated));
    }

    private void Ask() => Assert.True(TranslatedStage.IsAnswered(_stage.Connect("udp", Frontend)));

    private void AskDirectly() => Assert.True(TranslatedStage.IsAnswered(
        _stage.Connect("udp", TranslatedStage.BackendAddress(4), TranslatedStage.BackendPort)));

    private static int DeleteAll()
    {
        using var netlink = new ConntrackNetlink();
        return netlink.Find(IpFamily.IPv4, flow => flow.IsTranslated).Count(netlink.TryDelete);
    }
}
