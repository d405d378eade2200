using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>The values of <c>enum path_use</c>: whether there are connections.</summary>
internal enum PathUse : uint
{
    NotInUse = 0,

    /// <summary>Said by programs, before each connection that they make.</summary>
    InUse = 1,

    /// <summary>Said by the controller, before it looks whether there is none.</summary>
    InDoubt = 2,
}

/// <summary>The values of <c>enum path_around</c>: what of connections that netfilter has not seen may go around it.</summary>
internal enum PathAround : uint
{
    Nothing = 0,
    All = 1,

    /// <summary>Only answers, until the next packet of the client.</summary>
    Answers = 2,

    /// <summary>The same for TCP alone.</summary>
    TcpAnswers = 3,
}

/// <summary>Mirrors <c>struct path_state</c>. Its words are written one by one where they are mapped.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct PathState
{
    /// <summary>Whether there are connections: a <see cref="PathUse"/>. Programs look for them unless it is 0.</summary>
    public uint IsInUse;

    /// <summary>Connections may have an address and port that are no frontend's.</summary>
    public uint HasOrphans;

    /// <summary>What of connections may go around netfilter: a <see cref="PathAround"/>.</summary>
    public uint GoesAround;

    /// <summary>How many connections programs made of what is for no frontend.</summary>
    public uint Parted;

    /// <summary>kube-proxy takes what is new: only connections that are known are translated.</summary>
    public uint IsHandedBack;

    public uint Reserved;

    /// <summary>Of the digests in the table of flows; programs were told before they were loaded.</summary>
    public FlowSecret FlowSecret;
}
