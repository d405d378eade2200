using System.Runtime.InteropServices;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct frontend</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct FrontendValue(uint Service, byte Kind, byte Flags, ushort Reserved)
{
    private const byte SourceRanges = 1;

    public static FrontendValue From(uint service, in Frontend frontend) =>
        new(service, (byte)frontend.Kind, frontend.HasSourceRanges ? SourceRanges : (byte)0, 0);

    public bool HasSourceRanges => (Flags & SourceRanges) != 0;

    public Frontend ToFrontend(FrontendKey key) => new(key.Address.ToAddress(), key.Port, (FrontendKind)Kind, HasSourceRanges);
}
