using System.CommandLine;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`sockets`: which process talks to which backend of a service.</summary>
internal static class SocketsCommand
{
    private const string Help =
        """
        List the sockets of this node that talk to services: which process asked what, and which backend it got

        PID       the first process of the node that has the socket; - where none has it any more, or it cannot be seen from
                  here: without CAP_SYS_PTRACE those of other users, and of root those that may do more than this one
        STATE     established, opening, closing, closed: of TCP
                  connected, sends (by sendto): of UDP
                  unknown: its network namespace cannot be entered
        with -o wide
        SENT      bytes to the backend that it acknowledged, RECEIVED from it; of TCP, - where the kernel does not tell
        CGROUP    of the process: it names the pod
        NETNS     the inode of the network namespace: ls -l /proc/PID/ns/net

        What has no socket here is in `ebpf-proxy conntrack list`.

        ebpf-proxy sockets
        ebpf-proxy sockets kube-system/kube-dns -o wide
        ebpf-proxy sockets -o json | jq -r '.[] | select(.backend.address == "10.244.1.7") | .pid'
        """;

    internal static IReadOnlyList<Column<OwnedSocket>> Columns { get; } =
    [
        new("SERVICE", socket => socket.Row.Service?.ToString() ?? "-") { Least = 14 },
        new("PROTOCOL", socket => Words.Of(socket.Row.Protocol), ColumnUse.IfRoom),
        new("PID", socket => socket.Owner is { } owner ? $"{owner.Pid}" : "-"),
        new("COMMAND", socket => socket.Owner?.Command ?? "-", ColumnUse.IfRoom),
        AddressColumn.Of<OwnedSocket>("FRONTEND", socket => Words.Of(socket.Row.Frontend)),
        AddressColumn.Of<OwnedSocket>("BACKEND", socket => Words.Of(socket.Row.Backend)),
        new("STATE", socket => Words.Of(socket.Row), ColumnUse.IfRoom),
        new("SENT", socket => Words.OfBytes(socket.Row.BytesSent), ColumnUse.Wide),
        new("RECEIVED", socket => Words.OfBytes(socket.Row.BytesReceived), ColumnUse.Wide),
        new("CGROUP", socket => Words.OrDash(socket.Owner?.Cgroup ?? ""), ColumnUse.Wide),
        new("NETNS", socket => socket.Row.Namespace == 0 ? "-" : $"{socket.Row.Namespace}", ColumnUse.Wide),
    ];

    public static Command Create()
    {
        var processes = HostProcOption.Create();
        return new ListCommand<OwnedSocket, SocketJson>("sockets", Help)
        {
            Columns = Columns,
            Key = socket => $"{socket.Row.Cookie} {Words.Of(socket.Row.Frontend)}",
            ToJson = SocketJson.From,
            ListType = ListJsonContext.Readable.IReadOnlyListSocketJson,
            RowType = ListJsonContext.Readable.SocketJson,
        }.CreateByService([processes], (result, bpfFileSystem, wanted, _) => Read(bpfFileSystem, wanted, result.GetRequiredValue(processes)));
    }

    private static IEnumerable<OwnedSocket> Read(string bpfFileSystem, string? wanted, string processes)
    {
        SocketRow[] rows = [.. SocketView.Read(bpfFileSystem).Where(row => ServiceFilter.IsWanted(wanted, row.Service))];
        var owners = SocketView.FindOwners(rows, processes);
        return rows
            .Select(row => new OwnedSocket(row, owners.GetValueOrDefault(row.Inode)))
            .OrderBy(socket => socket.Row.Service?.ToString(), StringComparer.Ordinal)
            .ThenBy(socket => socket.Owner?.Pid);
    }
}
