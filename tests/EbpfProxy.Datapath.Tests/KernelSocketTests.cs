using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Testing.Kernel;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests;

/// <summary>
/// Sockets that the kernel owns. The subflow below an MPTCP socket is one: where it cannot be told from the others it is
/// left to the packet path as NFS's is, so that it stands for all of them here.
/// </summary>
public sealed class KernelSocketTests : IDisposable
{
    private const string Connect =
        """
        perl -MSocket -e 'socket(my $s, AF_INET, SOCK_STREAM, $ARGV[0]) or do { print "unsupported"; exit };
        print connect($s, pack_sockaddr_in(80, inet_aton("127.96.0.1"))) ? "connected" : "refused"' "$1"
        """;

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();
    private readonly TcpListener _backend = new(IPAddress.Loopback, 0);

    public KernelSocketTests() => _backend.Start();

    public void Dispose()
    {
        _backend.Dispose();
        Directory.Delete(Path.Combine(_bpffs.Path, "ebpf-proxy"), recursive: true);
        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelTheory]
    [InlineData(true, true, "connected")] // told to be a subflow of a process's socket
    [InlineData(false, true, "refused")] // told to be the kernel's
    [InlineData(false, false, "connected")] // not told from others
    public void Socket_of_the_kernel_is_left_to_the_packet_path(bool tellsSubflows, bool tellsKernelSockets, string outcome)
    {
        var probed = KernelFeatures.Probe();
        Assert.SkipUnless(probed is { HasMptcpSock: true, KernelSockets: not null }, "this kernel does not tell them");
        using var datapath = ServiceDatapath.Open(
            new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path },
            SocketObject.Read(),
            probed with { HasMptcpSock = tellsSubflows, KernelSockets = tellsKernelSockets ? probed.KernelSockets : null },
            NullLogger.Instance);
        Apply(datapath);

        string multipath = _cgroup.Run(Connect, "262").Output;
        Assert.SkipWhen(multipath == "unsupported", "MPTCP on this kernel");

        Assert.Equal(outcome, multipath);
        Assert.Equal("connected", _cgroup.Run(Connect, "6").Output);
    }

    private void Apply(ServiceDatapath datapath)
    {
        var service = Service("web", "127.96.0.1", "127.0.0.1");
        int port = ((IPEndPoint)_backend.LocalEndpoint).Port;
        var ports = service.Ports.Select(tables => tables with { Backends = [.. tables.Backends.Select(b => b with { Port = (ushort)port })] });
        datapath.Apply([new ServiceChange(service.Name, service with { Ports = [.. ports] })], isComplete: true);
    }
}
