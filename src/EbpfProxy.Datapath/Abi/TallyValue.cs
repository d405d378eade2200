using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct tally</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct TallyValue(
    ulong Opened,
    ulong Closed,
    ulong BytesSent,
    ulong BytesReceived,
    ulong NoEndpoint,
    ulong NoLocalEndpoint,
    ulong SourceDenied,
    ulong NoRoom)
{
    /// <summary>How many connections are open; what was open before there were tallies can close unopened.</summary>
    public ulong Open => (long)(Opened - Closed) > 0 ? Opened - Closed : 0;
}
