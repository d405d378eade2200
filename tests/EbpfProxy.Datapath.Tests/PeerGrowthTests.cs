using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests;

/// <summary>The table of peers while it grows. The service's address is in 127.0.0.0/8: untranslated it is refused.</summary>
public sealed class PeerGrowthTests : IDisposable
{
    private const uint InitialPeers = 1024;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();
    private readonly TcpListener _backend = new(IPAddress.Loopback, 0);
    private readonly string _stop = Path.Combine(Path.GetTempPath(), $"stop-{Guid.NewGuid()}");

    public void Dispose()
    {
        File.Delete(_stop);
        _backend.Dispose();
        Directory.Delete(Path.Combine(_bpffs.Path, "ebpf-proxy"), recursive: true);
        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Sockets_that_connect_while_it_grows_keep_their_records_and_take_them_along_when_they_close()
    {
        const int sockets = 3000;
        _backend.Start(sockets);
        using var datapath = Open(NullLogger.Instance);
        Apply(datapath);
        var load = Task.Run(() => _cgroup.Run(
            "ulimit -n 4096; for i in $(seq $2); do exec {fd}<>/dev/tcp/127.96.0.1/80 || echo failed; done; while [ ! -e \"$1\" ]; do read -t 0.05; done <> <(:)",
            _stop,
            $"{sockets}"));

        Eventually.Holds(
            () =>
            {
                datapath.Maintain();
                return Translated() == sockets || load.IsCompleted;
            },
            _deadline);
        datapath.Maintain();

        var rows = ReadPeers(out uint capacity);
        // How far it had to grow is a matter of who is faster, the sockets or the maintenance.
        Assert.Equal(sockets, rows.Length + (int)ReasonCounters.Read(_bpffs.Path)[(int)Reason.PeersFull]);
        Assert.True(rows.Length > InitialPeers && capacity >= rows.Length, $"{rows.Length} records, {capacity} have room");
        Assert.All(rows, row => Assert.Equal("127.96.0.1", row.Value.Frontend.ToAddress().ToString()));

        File.WriteAllText(_stop, "");
        Assert.Equal("", load.Result.Output);
        Eventually.Holds(() => ReadPeers(out _).Length == 0, _deadline);
    }

    [KernelFact]
    public void Change_does_not_wait_for_records_to_be_moved()
    {
        const int records = (int)(InitialPeers * 3 / 4);
        using var moving = new HoldAtGrowth();
        using var datapath = Open(moving);
        Apply(datapath);
        using (var peers = BpfMap.OpenPinned(PeersPin))
        {
            var rows = new BpfHashMap<PeerKey, PeerValue>(peers);
            Array.ForEach([.. Enumerable.Range(1, records)], socket => rows.Update(new PeerKey((ulong)socket, 0, 0), default));
        }

        var maintenance = Task.Run(datapath.Maintain);
        moving.WaitForGrowth(_deadline);

        var change = Task.Run(() => datapath.Apply([new ServiceChange(Web().Name, Service("web", "127.96.0.1", "127.0.0.2"))], isComplete: false));
        Assert.True(change.Wait(_deadline), "the change waits");

        moving.Release();
        Assert.True(maintenance.Wait(_deadline));
        Assert.Equal(records, ReadPeers(out _).Length);
    }

    [KernelFact]
    public void Records_that_no_open_socket_can_have_left_make_it_no_larger()
    {
        uint capacity = (uint)OpenFiles.CountAtMost() * 16 * 2;
        using var datapath = Open(NullLogger.Instance, capacity);
        using (var peers = BpfMap.OpenPinned(PeersPin))
        {
            PeerKey[] keys = [.. Enumerable.Range(1, (int)(capacity / 2) + 1).Select(socket => new PeerKey((ulong)socket, 0, 0))];
            new BpfHashMap<PeerKey, PeerValue>(peers).UpdateBatch(keys, new PeerValue[keys.Length]);
        }

        datapath.Maintain();

        Assert.Equal((int)(capacity / 2) + 1, ReadPeers(out uint kept).Length);
        Assert.Equal(capacity, kept);
    }

    private string PeersPin => Path.Combine(_bpffs.Path, "ebpf-proxy", "sockets-v1", "peers");

    private ServiceDatapath Open(ILogger logger, uint initialPeers = InitialPeers) => ServiceDatapath.Open(
        new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path, InitialPeers = initialPeers }, logger);

    private ServiceTables Web()
    {
        var tables = Service("web", "127.96.0.1", "127.0.0.1");
        ushort port = _backend.Server.IsBound ? (ushort)((IPEndPoint)_backend.LocalEndpoint).Port : (ushort)80;
        return tables with { Ports = [tables.Ports[0] with { Backends = [tables.Ports[0].Backends[0] with { Port = port }] }] };
    }

    private void Apply(ServiceDatapath datapath) => datapath.Apply([new ServiceChange(Web().Name, Web())], isComplete: true);

    private int Translated() => (int)ReasonCounters.Read(_bpffs.Path)[(int)Reason.Translated];

    /// <summary>The records as programs find them: those that the larger table had no room for stay in the one before.</summary>
    private KeyValuePair<PeerKey, PeerValue>[] ReadPeers(out uint capacity)
    {
        string previousPin = PeersPin + "-previous";
        using var peers = BpfMap.OpenPinned(PeersPin);
        using var previous = File.Exists(previousPin) ? BpfMap.OpenPinned(previousPin) : null;
        capacity = peers.MaxEntries + (previous?.MaxEntries ?? 0);
        return [.. Rows(peers), .. previous is null ? [] : Rows(previous)];
    }

    private static IEnumerable<KeyValuePair<PeerKey, PeerValue>> Rows(BpfMap map) => new BpfHashMap<PeerKey, PeerValue>(map).Enumerate();

    /// <summary>Holds the thread that makes the table larger, between the switch and the move of the records.</summary>
    private sealed class HoldAtGrowth : ILogger, IDisposable
    {
        private const int PeersGrown = 2003;

        private readonly ManualResetEventSlim _hasGrown = new();
        private readonly ManualResetEventSlim _mayMove = new();

        public void WaitForGrowth(TimeSpan deadline) => Assert.True(_hasGrown.Wait(deadline), "no growth");

        public void Release() => _mayMove.Set();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == PeersGrown)
            {
                _hasGrown.Set();
                _mayMove.Wait(_deadline * 2);
            }
        }

        public void Dispose()
        {
            _mayMove.Set();
            _hasGrown.Dispose();
            _mayMove.Dispose();
        }
    }
}
