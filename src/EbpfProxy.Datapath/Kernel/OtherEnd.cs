using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>The other end of a pipe, a socket or a terminal that is written to.</summary>
public static partial class OtherEnd
{
    private const short Error = 8;
    private const short HangUp = 0x10;

    /// <summary>
    /// Whether nobody can read any more what is written here; never of a file, nor of a negative number. The console of .NET
    /// does not tell: what it writes to nobody counts as written.
    /// </summary>
    public static bool IsGone(int descriptor)
    {
        // Errors and the end of the other side are told without being asked for.
        var request = new PollRequest { Descriptor = descriptor };
        return Poll(ref request, 1, 0) > 0 && (request.Found & (Error | HangUp)) != 0;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref PollRequest request, nuint count, int milliseconds);

    /// <summary><c>struct pollfd</c>.</summary>
    private struct PollRequest
    {
        public int Descriptor;
        public short Wanted;
        public short Found;
    }
}
