using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>
/// A network namespace with the devices of a node, and the programs loaded once for each set of settings. One test at a
/// time uses it: the tests of a collection do not run side by side.
/// </summary>
public sealed class PacketKernel : IDisposable
{
    private const string SetUp = """
        set -e
        ip link add uplink type veth peer name beyond
        ip link add pods type veth peer name inside
        for device in uplink beyond pods inside; do ip link set $device up; done
        ip addr add 192.168.0.2/24 dev uplink
        ip addr add 2001:db8::1/64 dev uplink nodad
        ip addr add 10.180.255.1/24 dev pods
        ip addr add fd00:10:180::ff:1/112 dev pods nodad
        echo 1 > /proc/sys/net/ipv4/ip_forward
        echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
        ip route add default via 192.168.0.1
        ip -6 route add default via 2001:db8::fe
        ip -o link show uplink | cut -d: -f1
        ip -o link show pods | cut -d: -f1
        """;

    private readonly ScratchNetworkNamespace? _namespace;
    private readonly ScratchBpffs? _bpffs;
    private readonly Dictionary<NodeSettings, LoadedPrograms> _loaded = [];

    public PacketKernel()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        _namespace = new ScratchNetworkNamespace();
        _bpffs = new ScratchBpffs();
        var result = _namespace.Run(SetUp);
        Assert.True(result.ExitCode == 0, result.Error);
        uint[] devices = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(uint.Parse)];
        (Uplink, Pods) = (devices[0], devices[1]);
    }

    /// <summary>The device that leads out of the node: 192.168.0.2 and 2001:db8::1.</summary>
    internal uint Uplink { get; }

    /// <summary>The device that leads to the pods of the node: 10.180.255.1 and fd00:10:180::ff:1.</summary>
    internal uint Pods { get; }

    public void Dispose()
    {
        foreach (var programs in _loaded.Values)
        {
            programs.Dispose();
        }

        _bpffs?.Dispose();
        _namespace?.Dispose();
    }

    /// <summary>Runs a script in the namespace of the devices.</summary>
    internal void Run(string script)
    {
        var result = _namespace!.Run(script);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    /// <summary>A node with the services of a case and no flow.</summary>
    internal ProxyNode Start(FlowCase flows, NodeSettings? settings = null)
    {
        settings ??= new NodeSettings();
        if (!settings.TellsPodsByDevice)
        {
            settings = settings with
            {
                PodsV4 = PrefixOf(flows, IpFamily.IPv4),
                PodsV6 = PrefixOf(flows, IpFamily.IPv6),
                MasqueradesAll = flows.MasqueradesAll,
            };
        }

        if (!_loaded.TryGetValue(settings, out var programs))
        {
            _loaded.Add(settings, programs = new LoadedPrograms(settings, _bpffs![$"tables-{_loaded.Count}"]));
        }

        return new ProxyNode(this, programs, flows, settings);
    }

    /// <summary>Does something in the namespace of the devices.</summary>
    internal void Invoke(Action action) => _namespace!.Invoke(action);

    private static Prefix? PrefixOf(FlowCase flows, IpFamily family) =>
        flows.Pods.Where(pods => pods.Family == family).Select(pods => (Prefix?)pods).FirstOrDefault();
}

[CollectionDefinition(Name)]
public sealed class PacketTests : ICollectionFixture<PacketKernel>
{
    public const string Name = "packets";
}
