using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Sockets;

/// <summary>The states of a socket as the kernel numbers them (TCP_ESTABLISHED and the rest); those of UDP are two of these.</summary>
public enum TcpState : byte
{
    /// <summary>Nothing is known of it.</summary>
    Unknown = 0,

    /// <summary>Open; of UDP, connected.</summary>
    Established = 1,
    SynSent = 2,
    SynReceived = 3,
    FinWait1 = 4,
    FinWait2 = 5,

    /// <summary>Not open; of UDP, not connected.</summary>
    Close = 7,
    CloseWait = 8,
    LastAck = 9,
    Closing = 11,
}

/// <summary>A socket as the kernel tells it.</summary>
/// <param name="Cookie">What programs know it by.</param>
/// <param name="Local">The address that it is bound to, any of a family among them.</param>
/// <param name="LocalPort">The port that it is bound to.</param>
/// <param name="State">How far it is.</param>
/// <param name="Inode">Its number among the open files of processes; 0 where no process has it any more.</param>
/// <param name="BytesSent">What the other side acknowledged, by TCP: SYN and FIN count as a byte each. Null where the kernel does not tell.</param>
/// <param name="BytesReceived">What came from the other side, by TCP; null where the kernel does not tell.</param>
internal sealed record NodeSocket(ulong Cookie, Address Local, ushort LocalPort, TcpState State, uint Inode, ulong? BytesSent, ulong? BytesReceived)
{
    /// <summary>Whether its datagrams leave from whatever address leads there.</summary>
    public bool IsOfAnyAddress => Local == Address.AnyOf(Local.Family);
}
