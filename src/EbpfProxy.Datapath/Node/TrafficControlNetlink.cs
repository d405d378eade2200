using System.Buffers.Binary;
using System.Runtime.InteropServices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Node;

/// <summary>A filter at a device, whoever put it there.</summary>
/// <param name="Kind">The classifier: bpf, u32, matchall, ...</param>
/// <param name="Protocol">The EtherType that it is for; 3 (ETH_P_ALL) for all.</param>
/// <param name="Priority">The smaller comes first.</param>
/// <param name="Handle">The number among those of one priority; 0 for a row that stands for the priority itself.</param>
/// <param name="Name">The name of a BPF program.</param>
/// <param name="ProgramId">The kernel's id of a BPF program.</param>
internal sealed record DeviceFilter(string Kind, ushort Protocol, uint Priority, uint Handle, string Name, uint ProgramId);

/// <summary>Reads the qdiscs and filters that libbpf does not tell: those of others.</summary>
internal sealed class TrafficControlNetlink : IDisposable
{
    public const string Clsact = "clsact";

    private const ushort NewQdisc = 36;
    private const ushort GetQdisc = 38;
    private const ushort NewFilter = 44;
    private const ushort GetFilter = 46;

    // struct tcmsg: family, padding, device, handle, parent, info.
    private const int MessageLength = 20;
    private const uint RootQdisc = 0xffffffff;
    private const uint IngressQdisc = 0xfffffff1;
    private const uint IngressParent = 0xfffffff2;
    private const uint EgressParent = 0xfffffff3;
    private const ushort Kind = 1;
    private const ushort Options = 2;
    private const ushort BpfName = 7;
    private const ushort BpfId = 11;

    private readonly NetlinkSocket _socket = new();

    /// <summary>
    /// The kinds of qdisc at the place of clsact, by device: "clsact", "ingress". All at once: the kernel tells everybody
    /// who listens when somebody asks for one.
    /// </summary>
    public Dictionary<int, string> ReadHookKinds()
    {
        var hooks = _socket.Dump(GetQdisc, Message(0, 0, stackalloc byte[MessageLength]), NewQdisc, body => ToHook(body, IngressQdisc));
        return hooks.DistinctBy(hook => hook.Device).ToDictionary(hook => hook.Device, hook => hook.Kind);
    }

    /// <summary>The kinds of qdisc that packets wait in before they leave, by device.</summary>
    public Dictionary<int, string> ReadQueueKinds()
    {
        var queues = _socket.Dump(GetQdisc, Message(0, 0, stackalloc byte[MessageLength]), NewQdisc, body => ToHook(body, RootQdisc));
        return queues.DistinctBy(queue => queue.Device).ToDictionary(queue => queue.Device, queue => queue.Kind);
    }

    /// <summary>The filters of a clsact qdisc, in the order in which packets meet them. At any other it shows those of that.</summary>
    public IReadOnlyList<DeviceFilter> ReadFilters(int device, TrafficDirection direction)
    {
        uint parent = direction == TrafficDirection.Ingress ? IngressParent : EgressParent;
        var request = Message(device, parent, stackalloc byte[MessageLength]);
        try
        {
            return [.. _socket.Dump(GetFilter, request, NewFilter, ToFilter).OrderBy(filter => filter.Priority)];
        }
        catch (NetlinkException)
        {
            return [];
        }
    }

    public void Dispose() => _socket.Dispose();

    private static Span<byte> Message(int device, uint parent, Span<byte> message)
    {
        message.Clear();
        BitConverter.TryWriteBytes(message[4..], device);
        BitConverter.TryWriteBytes(message[12..], parent);
        return message;
    }

    private static Hook? ToHook(ReadOnlySpan<byte> body, uint parent) => MemoryMarshal.Read<uint>(body[12..]) == parent
        ? new Hook(MemoryMarshal.Read<int>(body[4..]), NetlinkAttributes.ToText(NetlinkAttributes.Find(body[MessageLength..], Kind)))
        : null;

    private static DeviceFilter? ToFilter(ReadOnlySpan<byte> body)
    {
        var attributes = body[MessageLength..];
        var options = NetlinkAttributes.Find(attributes, Options);
        uint info = MemoryMarshal.Read<uint>(body[16..]);
        return new DeviceFilter(
            NetlinkAttributes.ToText(NetlinkAttributes.Find(attributes, Kind)),
            BinaryPrimitives.ReverseEndianness((ushort)info),
            info >> 16,
            MemoryMarshal.Read<uint>(body[8..]),
            NetlinkAttributes.ToText(NetlinkAttributes.Find(options, BpfName)),
            NetlinkAttributes.ToUInt32(NetlinkAttributes.Find(options, BpfId), 0));
    }

    private sealed record Hook(int Device, string Kind);
}
