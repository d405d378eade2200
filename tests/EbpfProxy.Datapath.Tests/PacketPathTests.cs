using System.Text.Json;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests;

/// <summary>The packet path as the daemon has it, in a network namespace, cgroup and BPF file system of their own.</summary>
public sealed class PacketPathTests : IDisposable
{
    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();
    private readonly ScratchNetworkNamespace _network = new();

    public PacketPathTests()
    {
        Shell.Require(
            "ip -n \"$1\" link add eth0 type veth peer name peer0 && ip -n \"$1\" addr add 192.0.2.1/24 dev eth0 && " +
            "ip -n \"$1\" link set eth0 up && ip -n \"$1\" link set peer0 up && ip -n \"$1\" route add default via 192.0.2.254",
            _network.Name);
    }

    private string Root => Path.Combine(_bpffs.Path, "ebpf-proxy");

    public void Dispose()
    {
        if (Directory.Exists(Root))
        {
            Directory.Delete(Root, recursive: true);
        }

        _network.Dispose();
        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Connections_are_kept_over_a_restart_with_the_size_that_they_have() => _network.Invoke(() =>
    {
        uint[] secret;
        using (var datapath = Open(connections: 1000))
        {
            Apply(datapath);
            Assert.Equal((1000u, 1125u), (CapacityOf("connections"), CapacityOf("flows")));
            secret = ReadSecret();
            Assert.DoesNotContain(0u, secret);
            using var free = OpenPin("free_connections");
            Assert.True(new BpfQueueMap<uint>(free).TryPop(out uint first));
            Assert.Equal(0u, first);
        }

        using var restarted = Open(connections: 2000);
        Apply(restarted);

        Assert.Equal(1000u, CapacityOf("connections"));
        Assert.Equal(secret, ReadSecret());
        using var kept = OpenPin("free_connections");
        var ids = new List<uint>();
        while (new BpfQueueMap<uint>(kept).TryPop(out uint id))
        {
            ids.Add(id);
        }

        Assert.Equal(Enumerable.Range(1, 999).Select(id => (uint)id), ids);
    });

    [KernelFact]
    public void Connections_that_were_not_pinned_to_the_end_are_made_anew() => _network.Invoke(() =>
    {
        Open(connections: 1000).Dispose();
        File.Delete(Path.Combine(Root, "connections-v2", "connections"));

        using var datapath = Open(connections: 10);

        Assert.Equal((10u, 10u), (CapacityOf("connections"), CapacityOf("free_connections")));
        Assert.Equal((0, 10), datapath.ConnectionFill);
    });

    [KernelFact]
    public void Fill_of_every_table_is_read_from_the_pins() => _network.Invoke(() =>
    {
        Assert.Empty(TableFills.Read(_bpffs.Path));
        using (var datapath = Open(connections: 1000))
        {
            Apply(datapath);
            using var map = OpenPin("connections");
            new BpfArrayMap<ConnectionValue>(map)[7] = new ConnectionValue { Protocol = 6 };
        }

        var fills = TableFills.Read(_bpffs.Path).ToDictionary(fill => fill.Table);

        Assert.Equal(new TableFill("connections", 1, 1000), fills["connections"]);
        Assert.Equal((1, 1, 1), (fills["services"].InUse, fills["backends"].InUse, fills["frontends"].InUse));
        Assert.Equal((1, 2, 0, 0), (fills["sets"].InUse, fills["devices"].InUse, fills["ranges"].InUse, fills["peers"].InUse));
        Assert.All(fills.Values, fill => Assert.InRange(fill.InUse, 0, fill.Capacity));
    });

    [KernelFact]
    public void Rows_of_devices_follow_their_addresses() => _network.Invoke(() =>
    {
        using var datapath = Open();
        Apply(datapath);
        uint eth0 = IndexOf("eth0"), peer0 = IndexOf("peer0");
        Assert.Equal(Ip("192.0.2.1"), Rows()[eth0].IPv4.ToAddress());
        Assert.Equal(Ip("192.0.2.1"), Rows()[peer0].IPv4.ToAddress());
        Assert.Equal(DeviceFlags.LocalPods, Rows()[peer0].Flags);

        Set("addr add 198.51.100.1/24 dev peer0");
        Set("addr add 203.0.113.1/24 dev eth0");
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: false);
        Assert.Equal(Ip("198.51.100.1"), Rows()[peer0].IPv4.ToAddress());
        Assert.Equal(Ip("192.0.2.1"), Rows()[eth0].IPv4.ToAddress());

        Set("link add br0 type bridge");
        Set("link set peer0 master br0");
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: false);
        Assert.True(Rows()[peer0].Flags.HasFlag(DeviceFlags.Port));
        Assert.False(Rows()[eth0].Flags.HasFlag(DeviceFlags.Port));

        Set("link del eth0");
        Set("link del br0");
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: false);
        Assert.Empty(Rows());
        Assert.Empty(DeviceHookView.Read(_bpffs.Path));
    });

    [KernelFact]
    public void Programs_for_packets_without_link_header_are_loaded_when_a_device_needs_them() => _network.Invoke(() =>
    {
        string[] few = ["proxy_egress", "proxy_ingress"], all = ["proxy_egress", "proxy_egress_ip", "proxy_ingress", "proxy_ingress_i"];
        using var datapath = Open();
        Apply(datapath);
        Assert.Equal(few, ProgramsWithTheseConnections());
        Assert.DoesNotContain(datapath.ReadProgramRuns(), run => run.Program.EndsWith("_ip", StringComparison.Ordinal));

        // More than the table of devices was made for: another takes its place.
        Shell.Require("for i in $(seq 40); do ip -n \"$1\" link add pod$i type veth peer name peer$i; done", _network.Name);
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: false);
        Assert.Equal(few, ProgramsWithTheseConnections());

        Set("tuntap add tun0 mode tun");
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: false);

        Assert.Equal(all, ProgramsWithTheseConnections());
        Assert.Equal(2, datapath.ReadProgramRuns().Count(run => run.Program.EndsWith("_ip", StringComparison.Ordinal)));
        Assert.Equal((83, 0), (datapath.Devices.Attached, datapath.Devices.Failed.Count));
        Assert.Equal(["egress", "ingress"], DeviceHookView.Read(_bpffs.Path).Where(row => row.Device == "tun0").Select(row => row.Direction).Order());
        Assert.True(Rows().ContainsKey(IndexOf("tun0")));

        // One that goes takes nothing with it that the next would have to wait for.
        Set("link del tun0");
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: false);
        Assert.Equal(all, ProgramsWithTheseConnections());
    });

    [KernelFact]
    public void Addresses_of_devices_are_the_nodes_and_accept_node_ports() => _network.Invoke(() =>
    {
        using var datapath = Open();
        Apply(datapath);
        Assert.Equal(AddressRole.OnDevice | AddressRole.Node, RolesOf("192.0.2.1"));

        Set("addr add 198.51.100.1/24 dev peer0");
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: false);
        Assert.Equal(AddressRole.OnDevice | AddressRole.Node, RolesOf("198.51.100.1"));

        Set("addr del 198.51.100.1/24 dev peer0");
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: false);
        Assert.Equal(AddressRole.None, RolesOf("198.51.100.1"));
    });

    [KernelFact]
    public void Ports_to_masquerade_with_are_kept_from_sockets_and_given_back() => _network.Invoke(() =>
    {
        const string reserved = "/proc/sys/net/ipv4/ip_local_reserved_ports";
        File.WriteAllText("/proc/sys/net/ipv4/ip_local_port_range", "20000 40000");
        File.WriteAllText(reserved, "8080,25000-25010");
        using (var datapath = Open())
        {
            Apply(datapath);
            Assert.Equal("8080,20000-29999", File.ReadAllText(reserved).Trim());

            File.WriteAllText(reserved, "8080,25000-25010");
            datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: true);
            Assert.Equal("8080,20000-29999", File.ReadAllText(reserved).Trim());
        }

        using (var restarted = Open(ports: new PortRange(1024, 20009)))
        {
            Apply(restarted);

            Assert.Equal("8080,20000-20009,25000-25010", File.ReadAllText(reserved).Trim());
        }

        Assert.True(DatapathState.Remove(_bpffs.Path));
        Assert.Equal("8080,25000-25010", File.ReadAllText(reserved).Trim());
        Assert.False(Directory.Exists(Root));
    });

    [KernelFact]
    public void Sockets_of_the_node_are_not_left_without_ports() => _network.Invoke(() =>
    {
        const string reserved = "/proc/sys/net/ipv4/ip_local_reserved_ports";
        File.WriteAllText("/proc/sys/net/ipv4/ip_local_port_range", "20000 31022");
        File.WriteAllText(reserved, "8080");

        using (var without = Open())
        {
            var refused = Assert.Throws<IOException>(() => Apply(without));
            Assert.Contains("masqueradePorts 1024-29999 would leave 1023 of the 11023 ports", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal("8080", File.ReadAllText(reserved).Trim());
        File.WriteAllText("/proc/sys/net/ipv4/ip_local_port_range", "20000 31023");
        var log = new LogLines();
        using var datapath = ServiceDatapath.Open(OptionsOf(16), log);
        Apply(datapath);
        Assert.Equal("8080,20000-29999", File.ReadAllText(reserved).Trim());

        // Later that ends nothing, and is told once.
        File.WriteAllText("/proc/sys/net/ipv4/ip_local_port_range", "20000 31022");
        File.WriteAllText(reserved, "8080");
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: true);
        datapath.SetNetwork(NodeNetworkWatcher.Read(), isThorough: true);
        Assert.Equal("8080", File.ReadAllText(reserved).Trim());
        Assert.Single(log.All, line => line.Contains("sockets of the node may get the ports to masquerade with: masqueradePorts 1024-29999", StringComparison.Ordinal));
    });

    [KernelFact]
    public void Packets_of_services_are_looked_at_until_their_programs_are_replaced() => _network.Invoke(() =>
    {
        using (var datapath = Open())
        {
            Apply(datapath);
            Assert.True(IsLookedAt("10.96.0.1"));
        }

        // Before its first complete change; and as long as it takes to go through all connections often enough.
        using var restarted = Open();
        for (int second = 0; second < 60; second++)
        {
            restarted.Maintain();
        }

        Assert.True(IsLookedAt("10.96.0.1"));
        restarted.Apply([], isComplete: true);
        for (int second = 0; second < 60; second++)
        {
            restarted.Maintain();
        }

        Assert.False(IsLookedAt("10.96.0.1"));
    });

    /// <summary>Its tables are empty, and its programs are not there yet: those of the build before go by theirs.</summary>
    [KernelFact]
    public void Packets_of_services_are_looked_at_while_a_build_with_another_layout_has_no_list_yet() => _network.Invoke(() =>
    {
        using (var datapath = Open())
        {
            Apply(datapath);
        }

        using var next = ServiceDatapath.Open(OptionsOf(16), UpgradeTests.ReadNext(), NullLogger.Instance);
        for (int second = 0; second < 60; second++)
        {
            next.Maintain();
        }

        Assert.True(IsLookedAt("10.96.0.1"));
    });

    private bool IsLookedAt(string address)
    {
        using var map = BpfMap.OpenPinned(Path.Combine(Root, "tables-v1", "address_hints"));
        using var hints = new AddressHints(map);
        return hints.Has(AddressKey.From(Ip(address)));
    }

    private ServiceDatapath Open(uint connections = 16, PortRange? ports = null) =>
        ServiceDatapath.Open(OptionsOf(connections, ports), NullLogger.Instance);

    private DatapathOptions OptionsOf(uint connections, PortRange? ports = null) => new()
    {
        BpfFileSystem = _bpffs.Path,
        CgroupRoot = _cgroup.Path,
        Packets = new PacketOptions
        {
            Connections = connections,
            MasqueradePorts = ports ?? PacketOptions.DefaultMasqueradePorts,
            LocalTraffic = LocalTraffic.By(LocalPodDevices.None with { NamePrefix = "peer" }),
        },
    };

    private static void Apply(ServiceDatapath datapath)
    {
        var tables = Service("web", "10.96.0.1", "10.0.0.1");
        datapath.Apply([new ServiceChange(tables.Name, tables)], isComplete: true);
    }

    /// <summary>What the digests of flows are keyed with; no word is 0 but once in 400 million times.</summary>
    private uint[] ReadSecret()
    {
        using var states = OpenPin("path_states");
        var secret = new BpfArrayMap<PathState>(states)[0].FlowSecret;
        return ((ReadOnlySpan<uint>)secret).ToArray();
    }

    private BpfMap OpenPin(string name) => BpfMap.OpenPinned(Path.Combine(Root, "connections-v2", name));

    /// <summary>The programs in the kernel that work with the connections of this datapath, by names as the kernel cuts them.</summary>
    private IEnumerable<string> ProgramsWithTheseConnections()
    {
        const int longest = 15;
        using var map = OpenPin("path_states");
        uint id = map.Id;
        using var programs = JsonDocument.Parse(Shell.Require("bpftool -j prog show | cat"));
        return [.. programs.RootElement.EnumerateArray()
            .Where(program => program.TryGetProperty("map_ids", out var maps) && maps.EnumerateArray().Any(each => each.GetUInt32() == id))
            .Select(program => program.GetProperty("name").GetString()!)
            .Select(name => name[..Math.Min(name.Length, longest)])
            .Order(StringComparer.Ordinal)];
    }

    private uint CapacityOf(string name)
    {
        using var map = OpenPin(name);
        return map.MaxEntries;
    }

    private void Set(string arguments) => Shell.Require($"ip -n \"$1\" {arguments}", _network.Name);

    private static Address Ip(string text) => Address.TryParse(text, out var address) ? address : throw new FormatException(text);

    private static uint IndexOf(string device) => (uint)NodeNetworkWatcher.Read().Devices.Single(d => d.Name == device).Index;

    private Dictionary<uint, DeviceValue> Rows()
    {
        using var map = BpfMap.OpenPinned(Path.Combine(Root, "tables-v1", "devices"));
        return new BpfHashMap<uint, DeviceValue>(map).Enumerate().ToDictionary(row => row.Key, row => row.Value);
    }

    private AddressRole RolesOf(string address)
    {
        using var map = BpfMap.OpenPinned(Path.Combine(Root, "tables-v1", "addresses"));
        return new BpfHashMap<AddressKey, AddressInfo>(map).TryGet(AddressKey.From(Ip(address)), out var info) ? (AddressRole)info.Roles : AddressRole.None;
    }
}
