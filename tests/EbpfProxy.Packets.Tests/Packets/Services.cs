using EbpfProxy.Testing.Flows;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>The services that the packets of these tests ask.</summary>
internal static class Services
{
    /// <summary>
    /// web has one backend on this node, far one on another, in both families; near and twin share a backend; none has no
    /// endpoint.
    /// </summary>
    public static FlowCase Both { get; } = FlowCase.Parse("""
        service web NodePort 172.30.0.41,fd00:172::41 http:80/tcp>8080@3001 dns:53/udp>5353@3053 sctp:80/sctp@3080 odd:81/sctp>8081
        endpoint web 10.180.0.1 local
        endpoint web fd00:10:180::1 local
        service far NodePort 172.30.0.42,fd00:172::42 http:80/tcp>8080@3002 dns:53/udp>5353@3054 sctp:80/sctp@3081
        endpoint far 10.180.2.1 remote
        endpoint far fd00:10:180::2:1 remote
        service near ClusterIP 172.30.0.43,fd00:172::43 http:80/tcp>8080 dns:53/udp>5353
        endpoint near 10.180.0.3 local
        endpoint near fd00:10:180::3 local
        service twin ClusterIP 172.30.0.44,fd00:172::44 http:80/tcp>8080 dns:53/udp>5353
        endpoint twin 10.180.0.3 local
        endpoint twin fd00:10:180::3 local
        service none ClusterIP 172.30.0.45,fd00:172::45 http:80/tcp dns:53/udp sctp:80/sctp
        """);

    /// <summary>host has a backend that is the node itself, web one of its pods.</summary>
    public static FlowCase OfHost { get; } = FlowCase.Parse("""
        service host NodePort 172.30.0.60,fd00:172::60 http:80/tcp>8080@3060 dns:53/udp>5353@3061
        endpoint host 192.168.0.2 local
        endpoint host 2001:db8::1 local
        service web ClusterIP 172.30.0.41,fd00:172::41 http:80/tcp>8080 dns:53/udp>5353
        endpoint web 10.180.0.1 local
        endpoint web fd00:10:180::1 local
        """);

    /// <summary>An address of the one family or the other, joined with a port.</summary>
    public static string End(bool isV6, string v4, string v6, int port) => isV6 ? $"[{v6}]:{port}" : $"{v4}:{port}";

    /// <summary>The frontend of a service's cluster IP, by the last number of its address.</summary>
    public static string ClusterIP(bool isV6, int number, int port = 80) => End(isV6, $"172.30.0.{number}", $"fd00:172::{number}", port);

    public static string NodePort(bool isV6, int port) => End(isV6, "192.168.0.2", "2001:db8::1", port);

    public static string Outsider(bool isV6, int port = 3333) => End(isV6, "203.0.113.2", "2600:5200::2", port);

    public static string Pod(bool isV6, int port = 3333) => End(isV6, "10.180.0.9", "fd00:10:180::9", port);
}
