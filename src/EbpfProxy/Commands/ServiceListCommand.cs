using System.CommandLine;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`service list`: what the tables in the kernel hold, whether or not the daemon runs.</summary>
internal static class ServiceListCommand
{
    private const string Help =
        """
        List the services

        FRONTENDS  where clients ask: cluster IPs, external addresses, *:port for node ports
        BACKENDS   how many endpoints traffic from inside the cluster can get
        INTERNAL   what becomes of traffic from inside the cluster:
                     cluster  any endpoint          local  endpoints of this node
                     refuse   connection refused    drop   nothing is answered
                     left to the stack  a device of the node holds the address, and nothing is translated
        EXTERNAL   the same of traffic from outside; - where nothing outside leads to the service
        AFFINITY   how long a client stays with an endpoint; - for one connection
        with -o wide
        ACTIVE     connections that are open, of this node's sockets and of what is translated packet by packet
        CLOSING    those that one side at least has begun to close
        SOURCES    who may use the load-balancer addresses; - for everyone
        ID         the service's place in the maps

        ebpf-proxy service list
        ebpf-proxy service list -o wide
        ebpf-proxy service list --watch
        ebpf-proxy service list -o json | jq -r '.[] | select(.usableBackendCount == 0) | .service'
        """;

    internal static IReadOnlyList<Column<CountedService>> Columns { get; } =
    [
        new("NAMESPACE", service => service.Row.Key.Service.Namespace),
        new("NAME", service => service.Row.Key.Service.Name) { Least = 14 },
        new("PORT", service => Words.OrDash(service.Row.Key.PortName)),
        new("PROTOCOL", service => Words.Of(service.Row.Key.Protocol), ColumnUse.IfRoom),
        new("FRONTENDS", service => string.Join(",", service.Row.Frontends.Select(Words.Of))) { Least = 14 },
        new("BACKENDS", service => $"{service.Row.ClusterBackends}"),
        new("INTERNAL", service => service.Row.LeftToStack.IsEmpty ? Words.Of(service.Row.Verdicts.Internal) : "left to the stack"),
        new("EXTERNAL", service => Words.OfExternal(service.Row), ColumnUse.IfRoom),
        new("AFFINITY", service => service.Row.AffinitySeconds == 0 ? "-" : $"{service.Row.AffinitySeconds}s", ColumnUse.IfRoom),
        new("ACTIVE", service => $"{service.Connections?.Active}", ColumnUse.Wide),
        new("CLOSING", service => $"{service.Connections?.Closing}", ColumnUse.Wide),
        new("SOURCES", service => Words.OrDash(string.Join(",", service.Row.SourceRanges)), ColumnUse.Wide),
        new("ID", service => $"{service.Row.Id}", ColumnUse.Wide),
    ];

    public static Command Create() => new ListCommand<CountedService, ServiceJson>("list", Help)
    {
        Columns = Columns,
        Key = service => $"{service.Row.Key} {service.Row.Key.Protocol} {service.Row.Key.Family}",
        ToJson = ServiceJson.From,
        ListType = ListJsonContext.Readable.IReadOnlyListServiceJson,
        RowType = ListJsonContext.Readable.ServiceJson,
    }.CreateByService(Read);

    private static IEnumerable<CountedService> Read(string bpfFileSystem, string? wanted, bool isDetailed)
    {
        var rows = DatapathView.ReadServices(bpfFileSystem).Where(row => ServiceFilter.IsWanted(wanted, row.Key));
        var counts = isDetailed ? ConnectionCounts.Read(bpfFileSystem) : null;
        return rows.Select(row => new CountedService(row, counts?.Of(row.Key)));
    }
}
