using System.Collections.Immutable;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tests;

/// <summary>
/// Objects in few words. An endpoint is "id:" + state + place + hints, as in "3:RL@a,b#node-1": R ready, T terminating and
/// serving, X terminating, N serving but not ready, U nothing; L on this node, r elsewhere; zones behind @, nodes behind #.
/// </summary>
internal static class Samples
{
    public static readonly ObjectName Name = new("ns", "web");
    public static readonly NodeContext Node = new("node-1", "a");
    public static readonly ServicePort Http = new("http", Protocol.Tcp, 80, 0);

    public static Address Ip(string text) =>
        Address.TryParse(text, out var address) ? address : throw new ArgumentException(text);

    public static Prefix Net(string text) =>
        Prefix.TryParse(text, out var prefix) ? prefix : throw new ArgumentException(text);

    public static Service Service() => new() { Name = Name, ClusterIPs = [Ip("172.30.0.41")], Ports = [Http] };

    public static EndpointSlice Slice(string endpoints, string name = "web-1", ushort port = 8080, IpFamily family = IpFamily.IPv4) => new()
    {
        Name = new ObjectName("ns", name),
        Service = Name,
        Family = family,
        Ports = [new EndpointPort("http", Protocol.Tcp, port)],
        Endpoints = [.. endpoints.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => Endpoint(text, family))],
    };

    private static Endpoint Endpoint(string text, IpFamily family)
    {
        string[] parts = text.Split(':');
        var zones = Between(text, '@');
        var nodes = Between(text, '#');
        var conditions = parts[1][0] switch
        {
            'R' => EndpointConditions.Ready | EndpointConditions.Serving,
            'T' => EndpointConditions.Serving | EndpointConditions.Terminating,
            'X' => EndpointConditions.Terminating,
            'N' => EndpointConditions.Serving,
            'O' => EndpointConditions.Ready,
            'U' => EndpointConditions.None,
            _ => throw new ArgumentException(text),
        };
        var hints = zones.IsEmpty && nodes.IsEmpty ? null : new TopologyHints(zones, nodes);
        string address = family == IpFamily.IPv4 ? $"10.0.1.{parts[0]}" : $"fd00::{parts[0]}";
        return new Endpoint(Ip(address), conditions, parts[1][1] == 'L', hints);
    }

    private static ImmutableArray<string> Between(string text, char mark)
    {
        int begin = text.IndexOf(mark);
        return begin < 0 ? [] : [.. text[(begin + 1)..].Split('@', '#')[0].Split(',')];
    }
}
