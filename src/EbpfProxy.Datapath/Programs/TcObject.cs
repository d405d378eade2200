using EbpfProxy.Datapath.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Programs;

/// <summary>The object bpf/tc.bpf.c, which this assembly carries inside.</summary>
internal static class TcObject
{
    private const string Resource = "tc.bpf.o";

    public static byte[] Read() => EmbeddedObject.Read(Resource);

    /// <summary>Opens it and tells it what the kernel offers and the operator wants.</summary>
    public static BpfObject Open(ReadOnlySpan<byte> elf, KernelFeatures features, TcConfig config)
    {
        var bpf = BpfObject.Open(elf, "ebpf_proxy_tc");
        bpf.SetGlobal("have_set_retval", features.HasSetRetval);
        bpf.SetGlobal("have_mptcp_sock", features.HasMptcpSock);
        bpf.SetGlobal("have_coarse_time", features.HasCoarseTime);
        bpf.SetGlobal("have_csum_ipv6", features.HasChecksumIPv6);
        bpf.SetGlobal("conntrack_is_followed", !features.HasConntrackLookup);
        bpf.SetGlobal("node_namespace", features.NodeNamespaceCookie);
        bpf.SetGlobal("leave_device_addresses", config.LeavesDeviceAddresses);
        bpf.SetGlobal("source_port_first", config.Options.MasqueradePorts.First);
        bpf.SetGlobal("source_port_count", (ushort)config.Options.MasqueradePorts.Count);
        bpf.SetGlobal("local_detection", (byte)config.Options.LocalTraffic.Detection);
        bpf.SetGlobal("local_ipv4", config.LocalIPv4);
        bpf.SetGlobal("local_ipv6", config.LocalIPv6);
        bpf.SetGlobal("masquerade_all", config.Options.MasqueradesAll);
        bpf.SetGlobal("preserve_client", config.Options.PreservesClient);
        bpf.SetGlobal("timeouts", config.Timeouts);
        bpf.SetGlobal("refusals_per_second", config.Options.RefusalsPerSecond);
        return bpf;
    }

    /// <summary>Makes it use the maps of the same names that another object has.</summary>
    public static void ShareMaps(BpfObject bpf, BpfObject other)
    {
        // Those with a dot are of one object: its globals.
        foreach (var map in bpf.Maps.Where(map => !map.Name.Contains('.', StringComparison.Ordinal)))
        {
            if (other.Maps.FirstOrDefault(shared => shared.Name == map.Name) is { } found)
            {
                map.Reuse(found.Map);
            }
        }
    }
}
