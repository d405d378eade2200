using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.Datapath.Tests.Conntrack;

/// <summary>The programs come to flows that rules translate, on a kernel whose programs cannot ask connection tracking.</summary>
public sealed class TakeOverTests : IDisposable
{
    private static readonly ObjectName _web = new("default", "web");

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();
    private readonly TranslatedStage _stage = new();

    public static MatrixTheoryData<string, int, bool> Rows { get; } = new(["tcp", "udp"], [4, 6], [false, true]);

    public void Dispose()
    {
        _stage.Dispose();
        string root = Path.Combine(_bpffs.Path, "ebpf-proxy");
        if (Directory.Exists(root))
        {
            Directory.Delete(root, recursive: true);
        }

        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Flow_that_rules_translated_goes_on_and_a_new_one_gets_its_backend_from_us(string protocol, int family, bool isMasqueraded)
    {
        using var held = Translated(protocol, family, isMasqueraded);

        _stage.Node.Invoke(() =>
        {
            using var datapath = Open(connections: 16);

            Assert.Equal((isMasqueraded ? 2 : 1, 0), datapath.TrackedFill);
            Assert.All(Enumerable.Range(0, 3), _ => Assert.True(TranslatedStage.IsAnswered(held)));
            Assert.Equal((0ul, 0ul), (Counted(Reason.ConnectionOpened), Counted(Reason.NoConnection)));
            Assert.True(Counted(Reason.LeftToConntrack) >= 3);
            using var other = _stage.Connect(protocol, Frontend(family));
            Assert.True(TranslatedStage.IsAnswered(other));
            Assert.True(TranslatedStage.IsAnswered(held));
            Assert.Equal(1ul, Counted(Reason.ConnectionOpened));
        });
    }

    [KernelFact]
    public void Flow_that_has_no_place_in_the_table_is_counted_and_reset() => _stage.Node.Invoke(() =>
    {
        using var one = Translated("tcp", 4, isMasqueraded: false);
        using var two = Translated("tcp", 4, isMasqueraded: false);

        using var datapath = Open(connections: 1);

        Assert.Equal((1, 1), datapath.TrackedFill);
        Assert.Single(new[] { one, two }, TranslatedStage.IsAnswered);
        Assert.Equal(1ul, Counted(Reason.NoConnection));
    });

    [KernelFact]
    public void Syn_of_a_flow_that_connection_tracking_remembers_begins_anew() => _stage.Node.Invoke(() =>
    {
        var held = Translated("tcp", 4, isMasqueraded: false, fromPort: 5000);
        held.LingerState = new LingerOption(true, 0);
        using var datapath = Open(connections: 16);
        Assert.True(TranslatedStage.IsAnswered(held));
        held.Dispose();

        using var again = _stage.Connect("tcp", Frontend(4), fromPort: 5000);

        Assert.True(TranslatedStage.IsAnswered(again));
        Assert.Equal(1ul, Counted(Reason.ConnectionOpened));
    });

    private static string Frontend(int family) => family == 4 ? "10.96.0.1" : "fd00:96::1";

    /// <summary>A connection through rules that are gone on return.</summary>
    private Socket Translated(string protocol, int family, bool isMasqueraded, int fromPort = 0)
    {
        _stage.Translate(protocol, Frontend(family), isMasqueraded);
        var held = _stage.Connect(protocol, Frontend(family), fromPort: fromPort);
        Assert.True(TranslatedStage.IsAnswered(held));
        _stage.RemoveRules();
        return held;
    }

    private ServiceDatapath Open(uint connections)
    {
        var datapath = ServiceDatapath.Open(
            new DatapathOptions
            {
                BpfFileSystem = _bpffs.Path,
                CgroupRoot = _cgroup.Path,
                Packets = new PacketOptions { Connections = connections },
            },
            SocketObject.Read(),
            KernelFeatures.Probe() with { HasConntrackLookup = false },
            NullLogger.Instance);
        PortTables[] ports = [Port(Protocol.Tcp, 4), Port(Protocol.Udp, 4), Port(Protocol.Tcp, 6), Port(Protocol.Udp, 6)];
        datapath.Apply([new ServiceChange(_web, new ServiceTables(_web, [.. ports]))], isComplete: true);
        return datapath;
    }

    private static PortTables Port(Protocol protocol, int family) => new()
    {
        Key = new ServiceKey(_web, protocol == Protocol.Tcp ? "http" : "talk", protocol, family == 4 ? IpFamily.IPv4 : IpFamily.IPv6),
        Frontends = [new Frontend(Parse(Frontend(family)), 80, FrontendKind.ClusterIP)],
        Backends =
        [
            new Backend(Parse(TranslatedStage.BackendAddress(family)), TranslatedStage.BackendPort, BackendUse.InClusterSet | BackendUse.Serving),
        ],
        Verdicts = new TrafficVerdicts(Verdict.Cluster, Verdict.Cluster, Verdict.Cluster),
    };

    private static Address Parse(string address) => Address.From(IPAddress.Parse(address));

    private ulong Counted(Reason reason) => ReasonCounters.Read(_bpffs.Path)[(int)reason];
}
