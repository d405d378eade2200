using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>One instruction of a program, as RFC 9669 encodes it; one with a 64-bit immediate takes two.</summary>
/// <param name="Code">What it does: class in the lower three bits.</param>
/// <param name="Registers">The register that is written in the lower half, the one that is read in the upper.</param>
/// <param name="Offset">How far it jumps, or where it reads or writes.</param>
/// <param name="Immediate">The operand that stands in it.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct BpfInstruction(byte Code, byte Registers, short Offset, int Immediate)
{
    /// <summary>The register that is written.</summary>
    public int Destination => Registers & 0xf;

    /// <summary>The register that is read; of a call and of a 64-bit immediate, what of.</summary>
    public int Source => Registers >> 4;
}
