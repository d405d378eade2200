using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct path_state</c>. Its words are written one by one where they are mapped.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct PathState
{
    /// <summary>There are connections: set by programs, cleared by the controller.</summary>
    public uint IsInUse;

    /// <summary>A frontend's address went that connections may still have.</summary>
    public uint HasOrphans;

    /// <summary>Packets of connections may go around netfilter.</summary>
    public uint GoesAround;

    public uint Reserved;
}
