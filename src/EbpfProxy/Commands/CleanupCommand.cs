using System.CommandLine;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Commands;

/// <summary>`cleanup`: takes the proxy off the node, as kube-proxy's --cleanup does with its rules.</summary>
internal static class CleanupCommand
{
    private const string Help =
        """
        Remove every program, link, map and pin of the proxy from this node; not while a daemon runs

        ebpf-proxy cleanup
        """;

    public static Command Create()
    {
        var command = new DocumentedCommand("cleanup", Help) { Cli.BpfFileSystem };
        command.SetAction(result => Run(result.GetRequiredValue(Cli.BpfFileSystem), result.InvocationConfiguration.Output));
        return command;
    }

    public static int Run(string bpfFileSystem, TextWriter output)
    {
        bool wasThere = DatapathState.Remove(bpfFileSystem);
        output.WriteLine(
            wasThere ? $"Removed the programs and tables below {bpfFileSystem}" : $"Nothing of ebpf-proxy is below {bpfFileSystem}");
        return 0;
    }
}
