using System.Globalization;
using System.Text;
using EbpfProxy.Datapath.Sockets;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Output;

/// <summary>The words that people and scripts see.</summary>
internal static class Words
{
    public static string Of(Protocol protocol) => protocol switch
    {
        Protocol.Tcp => "TCP",
        Protocol.Udp => "UDP",
        Protocol.Sctp => "SCTP",
    };

    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Cluster => "cluster",
        Verdict.Local => "local",
        Verdict.Refuse => "refuse",
        Verdict.Drop => "drop",
    };

    public static string Of(ConnectionState state) => state switch
    {
        ConnectionState.Opening => "opening",
        ConnectionState.Open => "open",
        ConnectionState.HalfClosed => "half-closed",
        ConnectionState.Closed => "closed",
    };

    /// <summary>How far a socket is that talks to a service.</summary>
    public static string Of(SocketRow socket) =>
        socket.Protocol == Protocol.Tcp ? Of(socket.State) : socket.IsConnected ? "connected" : "sends";

    public static string Of(TcpState state) => state switch
    {
        TcpState.Established => "established",
        TcpState.SynSent or TcpState.SynReceived => "opening",
        TcpState.FinWait1 or TcpState.FinWait2 or TcpState.CloseWait or TcpState.LastAck or TcpState.Closing => "closing",
        TcpState.Close => "closed",
        TcpState.Unknown => "unknown",
    };

    public static string Of(ClientPlace place) => place switch
    {
        ClientPlace.LocalPod => "a pod of this node",
        ClientPlace.Node => "this node itself",
        ClientPlace.Elsewhere => "outside this node",
    };

    public static string Of(FrontendKind kind) => kind switch
    {
        FrontendKind.ClusterIP => "cluster IP",
        FrontendKind.ExternalIP => "external IP",
        FrontendKind.LoadBalancer => "load-balancer address",
        FrontendKind.NodePort => "node port",
    };

    /// <summary>The same by the words of `explain --as`.</summary>
    public static string FlagOf(ClientPlace place) => place switch
    {
        ClientPlace.LocalPod => "pod",
        ClientPlace.Node => "node",
        ClientPlace.Elsewhere => "outside",
    };

    public static string Of(FlowFate fate) => fate switch
    {
        FlowFate.Untouched => "untouched",
        FlowFate.Translated => "translated",
        FlowFate.Refused => "refused",
        FlowFate.Dropped => "dropped",
    };

    /// <summary>Whether an endpoint can be chosen, or why not.</summary>
    public static string Of(ExplainedEndpoint endpoint, ExplainedFlow flow) => endpoint.Reason switch
    {
        EndpointReason.Chosen when flow.Client.IsLoopback => "yes, sees an address of this node",
        EndpointReason.Chosen when !endpoint.IsMasqueraded => $"yes, sees {flow.Client}",
        EndpointReason.Chosen when flow.Place == ClientPlace.Elsewhere => "yes, sees an address of this node",
        EndpointReason.Chosen => $"yes, sees {flow.Client} by a socket, an address of this node where its packets are translated",
        EndpointReason.Draining => "no, draining: keeps what it has, gets nothing new",
        EndpointReason.PassedOver => "no, passed over: drains, or topology hints leave it to other nodes",
        EndpointReason.OnOtherNode => "no, on another node",
        EndpointReason.NotHinted => "no, topology hints prefer others",
        EndpointReason.NoneIsChosen => "no",
    };

    /// <summary>What was refused, by the names of the reasons; "nothing" where nothing was.</summary>
    public static string Of(ServiceRefusals refusals)
    {
        string[] parts = [.. CountsOf(refusals).Where(part => part.Count > 0).Select(part => $"{part.Count} {part.Reason}")];
        return parts.Length == 0 ? "nothing" : string.Join(", ", parts);
    }

    /// <summary>By the names that docs/datapath.md has; the last stands for all that lack room.</summary>
    public static (string Reason, ulong Count)[] CountsOf(ServiceRefusals refusals) =>
    [
        (Of(Reason.NoEndpoint), refusals.NoEndpoint),
        (Of(Reason.NoLocalEndpoint), refusals.NoLocalEndpoint),
        (Of(Reason.SourceDenied), refusals.SourceDenied),
        ("no_room", refusals.NoRoom),
    ];

    /// <summary>A number of bytes in the largest unit that it fills: "1.5 MiB".</summary>
    public static string OfBytes(double bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        int unit = 0;
        for (; bytes >= 1024 && unit < units.Length - 1; unit++)
        {
            bytes /= 1024;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 ? Math.Round(bytes) : Math.Round(bytes, 1))} {units[unit]}");
    }

    /// <summary>The same, - where it was not measured.</summary>
    public static string OfBytes(double? bytes) => bytes is { } known ? OfBytes(known) : "-";

    /// <summary>What becomes of a connection for a reason.</summary>
    public static string FateOf(Reason reason) => reason switch
    {
        Reason.Translated => "picked",
        Reason.ConnectionOpened => "translated",
        Reason.NoEndpoint or Reason.UnknownPort or Reason.StaleSet or Reason.NoConnection => "refused",
        _ => "dropped",
    };

    /// <summary>
    /// A text that others chose, as the name of a process, without what would move the cursor of a terminal or begin another line: a
    /// question mark in its place, as ps has it.
    /// </summary>
    public static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)) : text;

    public static string OrDash(string text) => text.Length == 0 ? "-" : text;

    public static string Of(Frontend frontend) => Of(frontend.Kind == FrontendKind.NodePort ? default : frontend.Address, frontend.Port);

    /// <summary>What traffic from outside gets; - where nothing outside leads to the service.</summary>
    public static string OfExternal(ServiceRow service) =>
        service.Frontends.All(frontend => frontend.Kind == FrontendKind.ClusterIP) ? "-" : Of(service.Verdicts.External);

    public static string Of(AddressPort place) => Of(place.Address, place.Port);

    /// <summary>
    /// "ready" gets new traffic, "passed-over" only goes on with what it has. Why is not in the maps: one that drains looks like
    /// one that is ready, and that this node leaves to others.
    /// </summary>
    public static string Of(BackendUse use)
    {
        if ((use & (BackendUse.InClusterSet | BackendUse.InLocalSet)) != 0)
        {
            return "ready";
        }

        return use.HasFlag(BackendUse.Serving) ? "passed-over" : "unused";
    }

    /// <summary>The name of a reason, as the metrics have it.</summary>
    public static string Of(Reason reason)
    {
        var text = new StringBuilder();
        foreach (char c in reason.ToString())
        {
            text.Append(char.IsAsciiLetterUpper(c) && text.Length > 0 ? "_" : "").Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }

    /// <summary>address:port as one writes it in a URL; a node port is any address of the node.</summary>
    public static string Of(Address address, ushort port)
    {
        if (address == Address.Any)
        {
            return $"*:{port}";
        }

        return address.Family == IpFamily.IPv6 ? $"[{address}]:{port}" : $"{address}:{port}";
    }

    /// <summary>The sets that a backend is in, as `explain` names them.</summary>
    public static IEnumerable<string> SetsOf(BackendRow backend)
    {
        if (backend.Use.HasFlag(BackendUse.InClusterSet))
        {
            yield return Of(Verdict.Cluster);
        }

        if (backend.Use.HasFlag(BackendUse.InLocalSet))
        {
            yield return Of(Verdict.Local);
        }
    }

    /// <summary>What becomes of a table that has no room for one more.</summary>
    public static string WhenFull(string table) => table switch
    {
        "connections" => "what is closing or was never answered makes room, else new flows are dropped (connections_full)",
        "peers" => "grows by itself; at its limit a socket's peer is shown as its backend (peers_full)",
        "affinity" => "grows by itself; at its limit new clients are not remembered (affinity_full)",
        _ => "grows by itself",
    };
}
