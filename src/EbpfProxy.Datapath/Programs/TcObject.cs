using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Programs;

/// <summary>The object bpf/tc.bpf.c, which this assembly carries inside.</summary>
internal static class TcObject
{
    private const string Resource = "tc.bpf.o";

    public static byte[] Read() => EmbeddedObject.Read(Resource);

    /// <summary>Opens it for one kind of devices, and tells it what the kernel offers and the operator wants.</summary>
    public static BpfObject Open(ReadOnlySpan<byte> elf, KernelFeatures features, TcConfig config, LinkHeader header)
    {
        var bpf = Open(elf, header);
        bpf.SetGlobal("have_set_retval", features.HasSetRetval);
        bpf.SetGlobal("have_mptcp_sock", features.HasMptcpSock);
        bpf.SetGlobal("have_coarse_time", features.HasCoarseTime);
        bpf.SetGlobal("have_csum_ipv6", features.HasChecksumIPv6);
        bpf.SetGlobal("outer_header_stays", features.KeepsOuterHeader);
        bpf.SetGlobal("conntrack_is_followed", !features.HasConntrackLookup);
        bpf.SetGlobal("node_namespace", features.NodeNamespaceCookie);
        bpf.SetGlobal("leave_device_addresses", config.LeavesDeviceAddresses);
        bpf.SetGlobal("source_port_first", config.Options.MasqueradePorts.First);
        bpf.SetGlobal("source_port_count", (ushort)config.Options.MasqueradePorts.Count);
        bpf.SetGlobal("node_port_first", config.Options.NodePortRange.First);
        bpf.SetGlobal("node_port_count", (ushort)config.Options.NodePortRange.Count);
        bpf.SetGlobal("local_detection", (byte)config.Options.LocalTraffic.Detection);
        bpf.SetGlobal("local_ipv4", config.LocalIPv4);
        bpf.SetGlobal("local_ipv6", config.LocalIPv6);
        bpf.SetGlobal("masquerade_all", config.Options.MasqueradesAll);
        bpf.SetGlobal("preserve_client", config.Options.PreservesClient);
        bpf.SetGlobal("timeouts", config.Timeouts);
        bpf.SetGlobal("refusals_per_second", config.Options.RefusalsPerSecond);
        bpf.SetGlobal("flow_secret", config.FlowSecret);
        bpf.SetGlobal("flow_homes", config.FlowHomes);
        return bpf;
    }

    /// <summary>Opens it as it was built: to load it loads the programs for one kind of devices, and no other.</summary>
    public static BpfObject Open(ReadOnlySpan<byte> elf, LinkHeader header)
    {
        var bpf = BpfObject.Open(elf, header == LinkHeader.Ethernet ? "ebpf_proxy_tc" : "ebpf_proxy_tc_ip");
        var wanted = DeviceProgramNames.For(header).ToList();
        if (header == LinkHeader.Ethernet)
        {
            wanted.Add(ConnectionMapOpener.FreeAllProgram);
            wanted.Add(FlowTable.ChangeRowsProgram);
        }

        LoadOnly(bpf, wanted);
        return bpf;
    }

    /// <summary>Leaves out all programs but these, before it is loaded.</summary>
    public static void LoadOnly(BpfObject bpf, IReadOnlyCollection<string> programs)
    {
        foreach (var program in bpf.Programs)
        {
            program.AutoLoad = programs.Contains(program.Name);
        }
    }

    /// <summary>
    /// Makes it use the maps of the same names that another object has. A table that programs reach by its slot is left out
    /// where the other has the slot: which map that is changes as it grows.
    /// </summary>
    public static void ShareMaps(BpfObject bpf, BpfObject other)
    {
        var shared = other.Maps.ToDictionary(map => map.Name);

        // Those with a dot are of one object: its globals.
        foreach (var map in bpf.Maps.Where(map => !map.Name.Contains('.', StringComparison.Ordinal)))
        {
            if (shared.ContainsKey(TableNames.Slot(map.Name)))
            {
                map.AutoCreate = false;
            }
            else if (shared.TryGetValue(map.Name, out var found))
            {
                map.Reuse(found.Map);
            }
        }
    }
}
