using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Mirrors <c>struct timeouts</c> of bpf/include/tc_config.h: after how many seconds without a packet a connection is over.
/// The defaults are those of nf_conntrack, or of kube-proxy where it sets them.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public readonly record struct ConnectionTimeouts(
    uint TcpSyn, uint TcpEstablished, uint TcpCloseWait, uint TcpClosing, uint TcpClosed, uint Udp, uint UdpStream, uint Sctp)
{
    public static ConnectionTimeouts Default { get; } = new(
        TcpSyn: 120, TcpEstablished: 86400, TcpCloseWait: 3600, TcpClosing: 120, TcpClosed: 10, Udp: 30, UdpStream: 120, Sctp: 210);

    /// <summary>The one that counts for a connection: <c>connection_timeout()</c> of bpf/lib/connection.h.</summary>
    internal uint For(in ConnectionValue connection)
    {
        var (ask, answer) = (connection.SeenAsk, connection.SeenAnswer);
        if (connection.Protocol != (byte)Protocol.Tcp)
        {
            return connection.Protocol == (byte)Protocol.Sctp ? Sctp : answer != SeenFlags.None ? UdpStream : Udp;
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

        return (ask & SeenFlags.Ack) != 0 && answer != SeenFlags.None ? TcpEstablished : TcpSyn;
    }
}
