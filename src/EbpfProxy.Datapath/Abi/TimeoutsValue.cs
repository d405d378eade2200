using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct timeouts</c>, in seconds.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TimeoutsValue(
    uint TcpSyn, uint TcpEstablished, uint TcpClosing, uint TcpClosed, uint Udp, uint UdpStream, uint Icmp, uint Sctp);
