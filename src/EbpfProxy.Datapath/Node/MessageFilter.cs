using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Node;

/// <summary>Mirrors <c>struct sock_filter</c>, an instruction of the classic BPF that a socket's filter is written in.</summary>
/// <param name="Code">What it does.</param>
/// <param name="IfTrue">How many instructions to pass over then.</param>
/// <param name="IfFalse">The same otherwise.</param>
/// <param name="Value">Its operand.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct FilterInstruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

/// <summary>Filters that the kernel runs on each netlink message before it is queued.</summary>
internal static class MessageFilter
{
    private const ushort LoadValue = 0x00; // BPF_LD | BPF_IMM
    private const ushort LoadIndexValue = 0x01; // BPF_LDX | BPF_IMM
    private const ushort LoadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private const ushort LoadWordAtIndex = 0x40; // BPF_LD | BPF_W | BPF_IND
    private const ushort ToIndex = 0x07; // BPF_MISC | BPF_TAX
    private const ushort IsEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private const ushort HasBits = 0x45; // BPF_JMP | BPF_JSET | BPF_K
    private const ushort Return = 0x06; // BPF_RET | BPF_K

    /// <summary>SKF_AD_OFF + SKF_AD_NLATTR: the place of the attribute of the type in X, looked for from A on; 0 where there is none.</summary>
    private const uint FindAttribute = unchecked((uint)(-0x1000 + 12));
    private const uint AttributeHeaderLength = 4;
    private const uint Whole = uint.MaxValue;

    /// <summary>Lets messages by whose attribute, a number in network order, has one of some bits, or that have no such attribute.</summary>
    /// <param name="offset">Where the attributes begin in a message.</param>
    /// <param name="attribute">The attribute's type.</param>
    /// <param name="bits">The bits.</param>
    public static FilterInstruction[] WithBits(uint offset, ushort attribute, uint bits) =>
    [
        new(LoadValue, 0, 0, offset),
        new(LoadIndexValue, 0, 0, attribute),
        new(LoadWord, 0, 0, FindAttribute),
        new(IsEqual, 3, 0, 0),
        new(ToIndex, 0, 0, 0),
        new(LoadWordAtIndex, 0, 0, AttributeHeaderLength),
        new(HasBits, 0, 1, bits),
        new(Return, 0, 0, Whole),
        new(Return, 0, 0, 0),
    ];
}
