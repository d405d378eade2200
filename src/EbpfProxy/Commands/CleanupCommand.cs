using System.CommandLine;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Commands;

/// <summary>`cleanup`: takes the proxy off the node, as kube-proxy's --cleanup does with its rules.</summary>
internal static class CleanupCommand
{
    public static Command Create()
    {
        var command = new Command("cleanup", "Remove every program, link, map and pin of the proxy from this node") { Cli.BpfFileSystem };
        command.SetAction(result =>
        {
            string bpfFileSystem = result.GetRequiredValue(Cli.BpfFileSystem);
            bool wasThere = DatapathState.Remove(bpfFileSystem);
            result.InvocationConfiguration.Output.WriteLine(
                wasThere ? $"Removed the programs and tables below {bpfFileSystem}" : $"Nothing of ebpf-proxy is below {bpfFileSystem}");
            return 0;
        });
        return command;
    }
}
