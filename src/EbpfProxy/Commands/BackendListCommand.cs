using System.CommandLine;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`backend list`: the backends of all services, or of one.</summary>
internal static class BackendListCommand
{
    private const string Help =
        """
        List the backends

        STATE    ready        gets new connections
                 passed-over  keeps the connections that it has, gets no new ones from this node: it drains, or policy Local or
                              topology hints leave it to other nodes; `explain` says more of a flow
                 unused       known, and no traffic of this node leads to it
        ON NODE  whether it runs on this node
        with -o wide
        ACTIVE   connections that are open, of this node's sockets and of what is translated packet by packet
        CLOSING  those that one side at least has begun to close
        ID       the backend's place in the maps

        ebpf-proxy backend list
        ebpf-proxy backend list default/web -o wide
        ebpf-proxy backend list --watch
        """;

    internal static IReadOnlyList<Column<CountedBackend>> Columns { get; } =
    [
        new("NAMESPACE", backend => backend.Service.Key.Service.Namespace),
        new("SERVICE", backend => backend.Service.Key.Service.Name),
        new("PORT", backend => Words.OrDash(backend.Service.Key.PortName)),
        new("PROTOCOL", backend => Words.Of(backend.Service.Key.Protocol), ColumnUse.Wide),
        AddressColumn.Of<CountedBackend>("BACKEND", backend => Words.Of(backend.Row.Address, backend.Row.Port)),
        new("STATE", backend => Words.Of(backend.Row.Use)),
        new("ON NODE", backend => backend.Row.Use.HasFlag(BackendUse.OnNode) ? "yes" : "no"),
        new("ACTIVE", backend => $"{backend.Connections?.Active}", ColumnUse.Wide),
        new("CLOSING", backend => $"{backend.Connections?.Closing}", ColumnUse.Wide),
        new("ID", backend => $"{backend.Row.Id}", ColumnUse.Wide),
    ];

    public static Command Create() => new ListCommand<CountedBackend, BackendJson>("list", Help)
    {
        Columns = Columns,
        Key = backend => $"{backend.Service.Key} {backend.Service.Key.Protocol} {Words.Of(backend.Row.Address, backend.Row.Port)}",
        ToJson = BackendJson.From,
        ListType = ListJsonContext.Readable.IReadOnlyListBackendJson,
        RowType = ListJsonContext.Readable.BackendJson,
    }.CreateByService(Read);

    private static IEnumerable<CountedBackend> Read(string bpfFileSystem, string? wanted, bool isDetailed)
    {
        var services = DatapathView.ReadServices(bpfFileSystem).Where(row => ServiceFilter.IsWanted(wanted, row.Key));
        var counts = isDetailed ? ConnectionCounts.Read(bpfFileSystem) : null;
        return services.SelectMany(service => service.Backends.Select(backend => new CountedBackend(service, backend, counts?.Of(service.Key, backend))));
    }
}
