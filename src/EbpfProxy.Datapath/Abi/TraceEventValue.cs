using System.Runtime.InteropServices;
using System.Text;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct trace_event</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct TraceEventValue(
    ulong TimeNs,
    AddressKey Client,
    AddressKey Frontend,
    AddressKey Backend,
    ushort ClientPortBe,
    ushort FrontendPortBe,
    ushort BackendPortBe,
    byte Protocol,
    byte HasService,
    uint Service,
    uint Reason,
    uint Device,
    uint Pid,
    ulong CommandFirst,
    ulong CommandSecond)
{
    /// <summary>The name of the process; empty where it is not known.</summary>
    public string Command
    {
        get
        {
            Span<ulong> words = [CommandFirst, CommandSecond];
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(words);
            int end = bytes.IndexOf((byte)0);
            return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
        }
    }
}
