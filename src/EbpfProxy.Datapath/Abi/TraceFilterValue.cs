using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct trace_filter</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal struct TraceFilterValue
{
    /// <summary>The time until which programs tell (CLOCK_MONOTONIC); 0 for not at all. Written last.</summary>
    public ulong UntilNs;

    public AddressKey Address;

    public ushort PortBe;

    public byte Protocol;

    public byte ServiceCount;

    public ServiceIds Services;

    public uint Reserved;

    /// <summary>The ids of the services that are wanted.</summary>
    [InlineArray(Length)]
    public struct ServiceIds
    {
        /// <summary>TRACE_SERVICES.</summary>
        public const int Length = 16;

        private uint _first;
    }
}
