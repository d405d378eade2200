using System.Runtime.InteropServices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct timeouts</c>, in seconds.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TimeoutsValue(
    uint TcpSyn, uint TcpEstablished, uint TcpCloseWait, uint TcpClosing, uint TcpClosed, uint Udp, uint UdpStream, uint Sctp)
{
    /// <summary>The one that counts for a connection: <c>connection_timeout()</c> of bpf/packet/connection.h.</summary>
    public uint For(in ConnectionValue connection)
    {
        var (ask, answer) = (connection.SeenAsk, connection.SeenAnswer);
        if (connection.Protocol != (byte)Protocol.Tcp)
        {
            return connection.Protocol == (byte)Protocol.Sctp ? Sctp : connection.IsAnswered ? UdpStream : Udp;
        }

        if (((ask | answer) & SeenFlags.Rst) != 0)
        {
            return TcpClosed;
        }

        if ((ask & answer & SeenFlags.Fin) != 0)
        {
            return TcpClosing;
        }

        if (((ask | answer) & SeenFlags.Fin) != 0)
        {
            return TcpCloseWait;
        }

        return connection.IsAnswered ? TcpEstablished : TcpSyn;
    }
}
