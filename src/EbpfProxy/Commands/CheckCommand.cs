using System.CommandLine;
using System.Text.Json;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Commands;

/// <summary>`check`: whether this node can run the proxy, and what it has to do without.</summary>
internal static class CheckCommand
{
    private static readonly string[] _header = ["CHECK", "STATE", "DETAIL"];

    public static Command Create()
    {
        var output = OutputOption.Create();
        var cgroup = new Option<string?>("--cgroup-root") { Description = "The cgroup whose sockets are translated", HelpName = "folder" };
        var devices = new Option<string[]>("--devices")
        {
            Description = "Network devices that packets enter and leave the node by, as `run` has them",
            HelpName = "list",
        };
        var command = new Command("check", "Say what this node offers, what is missing and what that costs")
        {
            output, cgroup, devices, Cli.BpfFileSystem,
        };
        command.SetAction(result =>
        {
            var rows = NodeCheck.Run(
                result.GetValue(cgroup),
                result.GetRequiredValue(Cli.BpfFileSystem),
                [.. (result.GetValue(devices) ?? []).SelectMany(list => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))]);
            var writer = result.InvocationConfiguration.Output;
            if (OutputOption.IsJson(result, output))
            {
                writer.WriteLine(JsonSerializer.Serialize(
                    (IReadOnlyList<CheckJson>)[.. rows.Select(row => new CheckJson(row.Name, StateOf(row), row.Detail))],
                    ListJsonContext.Readable.IReadOnlyListCheckJson));
            }
            else
            {
                TextTable.Write(writer, _header, rows.Select(row => (IReadOnlyList<string>)[row.Name, StateOf(row), row.Detail]));
            }

            return rows.Any(row => row.State == CheckState.Missing) ? Cli.Failure : 0;
        });
        return command;
    }

    private static string StateOf(CheckRow row) => row.State switch
    {
        CheckState.Ok => "ok",
        CheckState.Absent => "absent",
        CheckState.Missing => "missing",
    };
}
