using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Programs;

/// <summary>
/// The layout versions of an object: <c>TABLES_VERSION</c>, <c>SOCKETS_VERSION</c> and <c>CONNECTIONS_VERSION</c> of
/// bpf/include/abi.h.
/// </summary>
internal readonly record struct LayoutVersions(uint Tables, uint Sockets, uint Connections);

/// <summary>The object bpf/sock_addr.bpf.c, which this assembly carries inside.</summary>
internal static class SocketObject
{
    private const string Resource = "sock_addr.bpf.o";

    /// <summary>Opens it and tells it what the kernel offers and the operator wants.</summary>
    public static BpfObject Open(
        ReadOnlySpan<byte> elf,
        KernelFeatures features,
        SocketOptions options,
        bool leavesDeviceAddresses = true,
        PortRange? masqueradePorts = null)
    {
        var ports = masqueradePorts ?? PacketOptions.DefaultMasqueradePorts;
        var bpf = BpfObject.Open(elf, "ebpf_proxy");
        bpf.SetGlobal("have_set_retval", features.HasSetRetval);
        bpf.SetGlobal("have_mptcp_sock", features.HasMptcpSock);
        bpf.SetGlobal("counts_socket_bytes", options.CountsBytes);
        bpf.SetGlobal("have_current_task", features.HasCurrentTask);
        bpf.SetGlobal("node_namespace", features.NodeNamespaceCookie);
        bpf.SetGlobal("leave_device_addresses", leavesDeviceAddresses);
        bpf.SetGlobal("node_is_initial_namespace", features.IsInitialNamespace);
        bpf.SetGlobal("kernel_sock_offset", features.KernelSockets?.Offset ?? 0);
        bpf.SetGlobal("kernel_sock_mask", features.KernelSockets?.Mask ?? 0);
        bpf.SetGlobal("socket_translation", options.Translation);
        bpf.SetGlobal("loopback_node_ports", options.LoopbackNodePorts);
        bpf.SetGlobal("source_port_first", ports.First);
        bpf.SetGlobal("source_port_count", (ushort)ports.Count);
        return bpf;
    }

    public static LayoutVersions VersionsOf(BpfObject bpf) =>
        new(bpf.GetGlobal<uint>("tables_version"), bpf.GetGlobal<uint>("sockets_version"), bpf.GetGlobal<uint>("connections_version"));

    public static byte[] Read() => EmbeddedObject.Read(Resource);
}
