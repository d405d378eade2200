using System.CommandLine;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath.View;
using EbpfProxy.Options;
using EbpfProxy.Output;
using NodeCheck = EbpfProxy.Datapath.View.NodeCheck;

namespace EbpfProxy.Commands;

/// <summary>`check`: whether this node can run the proxy, and what it has to do without.</summary>
internal static class CheckCommand
{
    private const string Help =
        """
        Say what this node offers, what is missing and what that costs

        ebpf-proxy check
        ebpf-proxy check -o json

        Exit code 1 if something is missing that cannot be done without.
        """;

    private static readonly IReadOnlyList<Column<CheckRow>> _columns =
    [
        new("CHECK", row => row.Name),
        new("STATE", StateOf),
        new("DETAIL", row => row.Detail) { Wraps = true },
    ];

    public static Command Create()
    {
        var output = OutputOption.Create();
        var cgroup = new Option<string?>("--cgroup-root") { Description = "The cgroup whose sockets are translated; else that of the daemon here, else the root", HelpName = ValueNames.Folder };
        var devices = new Option<string[]>("--devices")
        {
            Description = "Network devices that packets enter and leave the node by, as `run` has them",
            HelpName = "list",
        };
        var command = new DocumentedCommand("check", Help)
        {
            output, cgroup, devices, Cli.BpfFileSystem,
        };
        command.SetAction(result =>
        {
            var rows = NodeCheck.Run(
                result.GetValue(cgroup) ?? CgroupOfDaemon(result.GetRequiredValue(Cli.BpfFileSystem)),
                result.GetRequiredValue(Cli.BpfFileSystem),
                [.. (result.GetValue(devices) ?? []).SelectMany(list => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))]);
            var writer = result.InvocationConfiguration.Output;
            var form = OutputOption.FormOf(result, output);
            IReadOnlyList<CheckJson> checks = [.. rows.Select(row => new CheckJson(row.Name, StateOf(row), row.Detail))];
            if (!OutputOption.TryWrite(writer, form, checks, ListJsonContext.Readable.IReadOnlyListCheckJson))
            {
                TextTable.Write(writer, Terminal.Of(writer), _columns, rows);
            }

            return rows.Any(row => row.State == CheckState.Missing) ? Cli.Failure : 0;
        });
        return command;
    }

    /// <summary>That of the daemon which runs here, or was the last to; null without one.</summary>
    private static string? CgroupOfDaemon(string bpfFileSystem) => DaemonNote.Parse(DaemonNotes.Read(bpfFileSystem))?.Cgroup;

    private static string StateOf(CheckRow row) => row.State switch
    {
        CheckState.Ok => "ok",
        CheckState.Absent => "absent",
        CheckState.Missing => "missing",
    };
}
