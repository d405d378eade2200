using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests.View;

/// <summary>What services did, as every scrape of the metrics reads it.</summary>
[Collection(typeof(AloneInTheProcess))]
public sealed class TallyViewTests : IDisposable
{
    private const uint InitialPeers = 1 << 17;

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();

    public void Dispose()
    {
        Directory.Delete(Path.Combine(_bpffs.Path, "ebpf-proxy"), recursive: true);
        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Sockets_are_not_looked_at_where_their_bytes_are_not_counted()
    {
        const int sockets = 50_000;
        const int enough = 1 << 20;
        using var datapath = ServiceDatapath.Open(
            new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path, InitialPeers = InitialPeers }, NullLogger.Instance);
        var web = Service("web", "10.96.0.1", "10.0.0.1");
        datapath.Apply([new ServiceChange(web.Name, web)], isComplete: true);
        using (var peers = BpfMap.OpenPinned(Path.Combine(_bpffs.Path, "ebpf-proxy", "sockets-v1", "peers")))
        {
            PeerKey[] keys = [.. Enumerable.Range(1, sockets).Select(socket => new PeerKey((ulong)socket, 0, 0))];
            new BpfHashMap<PeerKey, PeerValue>(peers).UpdateBatch(keys, new PeerValue[sockets]);
        }

        // Once before: what is allocated for good does not count.
        TallyView.Read(_bpffs.Path);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        var tally = Assert.Single(TallyView.Read(_bpffs.Path));
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        Assert.False(tally.CountsSocketBytes);
        Assert.True(allocated < enough, $"{allocated} bytes for {sockets} sockets");
    }
}
