using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests;

/// <summary>
/// The bytes of sockets are counted no more, while a connection closes: its socket is gone, and what it sent waits for the
/// backend. The service's address is in 127.0.0.0/8: untranslated it is refused.
/// </summary>
public sealed class SocketBytesTests : IDisposable
{
    private const string SendAndLeave =
        """
        perl -MSocket -MIO::Handle -e 'socket(my $s, AF_INET, SOCK_STREAM, 0); connect($s, pack_sockaddr_in(80, inet_aton("127.96.0.1"))) or die "connect: $!";
        $s->blocking(0); while (defined syswrite($s, "x" x 65536)) {}'
        """;

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();
    private readonly TcpListener _backend = new(IPAddress.Loopback, 0);
    private readonly Socket _closing;

    public SocketBytesTests()
    {
        _backend.Start();
        using var datapath = Open(countsBytes: true);
        Assert.Equal("", _cgroup.Run(SendAndLeave).Error);
        _closing = _backend.AcceptSocket();
        Assert.Equal([PeerFlags.Connected | PeerFlags.UntilClosed], ReadFlags());
    }

    public void Dispose()
    {
        _closing.Dispose();
        _backend.Dispose();
        DatapathState.Remove(_bpffs.Path);
        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Connection_that_closes_when_they_are_counted_no_more_ends_and_what_heard_of_it_goes()
    {
        using (var datapath = Open(countsBytes: false))
        {
            datapath.Maintain();
        }

        // The next daemon knows of it as well.
        using var next = Open(countsBytes: false);
        next.Maintain();
        Assert.False(DatapathState.CountsSocketBytes(_bpffs.Path));
        Assert.Equal(1, CountAttached());
        Assert.Equal("", _cgroup.Run("exec 3<>/dev/tcp/127.96.0.1/80").Error);
        Assert.Equal([PeerFlags.Connected | PeerFlags.UntilClosed], ReadFlags());
        Assert.Equal(1ul, ReadTally().Open);

        _closing.Dispose();
        Eventually.Holds(() => ReadTally().Open == 0, _deadline);
        next.Maintain();

        Assert.Empty(ReadFlags());
        Eventually.Holds(() => CountAttached() == 0, _deadline);
    }

    [KernelFact]
    public void They_are_counted_again_by_one_program()
    {
        Open(countsBytes: false).Dispose();
        using var datapath = Open(countsBytes: true);
        datapath.Maintain();

        Assert.True(DatapathState.CountsSocketBytes(_bpffs.Path));
        Assert.Equal(1, CountAttached());
        _closing.Dispose();
        Eventually.Holds(() => ReadTally() is { Open: 0, BytesSent: > 65536 }, _deadline);
        Assert.Equal(1, CountAttached());
    }

    private ServiceDatapath Open(bool countsBytes)
    {
        var datapath = ServiceDatapath.Open(
            new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path, Sockets = new SocketOptions { CountsBytes = countsBytes } },
            NullLogger.Instance);
        var web = Service("web", "127.96.0.1", "127.0.0.1");
        ushort port = (ushort)((IPEndPoint)_backend.LocalEndpoint).Port;
        web = web with { Ports = [web.Ports[0] with { Backends = [web.Ports[0].Backends[0] with { Port = port }] }] };
        datapath.Apply([new ServiceChange(web.Name, web)], isComplete: true);
        return datapath;
    }

    private ServiceTally ReadTally() => Assert.Single(TallyView.Read(_bpffs.Path));

    private int CountAttached() => BpfCgroup.QueryPrograms(_cgroup.Path, BpfAttachType.CgroupSockOps).Count;

    private PeerFlags[] ReadFlags()
    {
        using var peers = BpfMap.OpenPinned(Path.Combine(_bpffs.Path, "ebpf-proxy", "sockets-v1", "peers"));
        return [.. new BpfHashMap<PeerKey, PeerValue>(peers).Enumerate().Select(row => row.Value.Flags)];
    }
}
