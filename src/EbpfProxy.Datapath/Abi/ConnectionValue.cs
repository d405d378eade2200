using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>The bits of <c>enum connection_flag</c>.</summary>
[Flags]
internal enum ConnectionFlags : byte
{
    None = 0,

    /// <summary>The backend sees an address of the node.</summary>
    Masquerade = 1 << 0,

    /// <summary>The client is the node itself.</summary>
    FromNode = 1 << 1,

    /// <summary>The address and port that the backend sees are chosen.</summary>
    SourceChosen = 1 << 2,

    /// <summary>One CPU chooses them, or has.</summary>
    SourceClaimed = 1 << 3,

    /// <summary>It was reset, or closed by both, and its token is in the queue of those.</summary>
    Closing = 1 << 4,

    /// <summary>Over a bridge, whose rules for packets see no answer.</summary>
    Bridged = 1 << 5,

    /// <summary>It has no rows yet for what leaves the stack.</summary>
    Around = 1 << 6,

    /// <summary>One CPU adds them, or has.</summary>
    StackClaimed = 1 << 7,
}

/// <summary>The bits of <c>enum seen_flag</c>: what one direction of a connection was seen to send.</summary>
[Flags]
internal enum SeenFlags : byte
{
    None = 0,
    Any = 1 << 0,
    Syn = 1 << 1,
    Ack = 1 << 2,
    Fin = 1 << 3,
    Rst = 1 << 4,
}

/// <summary>Mirrors <c>struct connection</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct ConnectionValue(
    AddressKey Client,
    AddressKey Frontend,
    AddressKey Backend,
    AddressKey Source,
    ushort ClientPortBe,
    ushort InnerPortBe,
    ushort FrontendPortBe,
    ushort BackendPortBe,
    ushort SourcePortBe,
    byte Protocol,
    ConnectionFlags Flags,
    uint Service,
    uint BackendId,
    uint BackendGeneration,
    uint Device,
    uint Generation,
    SeenFlags SeenAsk,
    SeenFlags SeenAnswer,
    byte GoesAround,
    byte Reserved,
    uint IsOver,
    ulong LastSeenNs,
    ulong BytesAsk,
    ulong BytesAnswer)
{
    public ushort FrontendPort => BinaryPrimitives.ReverseEndianness(FrontendPortBe);

    /// <summary>Whether both sides took part: <c>connection_is_answered()</c> of bpf/packet/connection.h.</summary>
    public bool IsAnswered => SeenAnswer != SeenFlags.None && (SeenAsk & SeenFlags.Ack) != 0;
}
