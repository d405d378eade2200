using System.CommandLine;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath.View;
using EbpfProxy.Support;

namespace EbpfProxy.Commands;

/// <summary>`probe`: asks the daemon how it is, wherever it serves its health. Exit code 1 if it is not well.</summary>
internal static class ProbeCommand
{
    private const string Help =
        """
        Ask the daemon of this node whether it lives or is ready

        ebpf-proxy probe
        ebpf-proxy probe readiness

        It asks where the daemon says that it serves its health: /livez for liveness and startup, /readyz for readiness. It has to run
        in the daemon's network namespace. Exit code 1 if the daemon is not well, does not answer, or does not run. One that serves its
        health nowhere, or has not got the address yet, lives as long as it runs, and is not ready.

        It waits 4 seconds for the answer: timeoutSeconds of a probe that runs it has to be more, as 5 in the component exec-probes.
        """;

    public static Command Create()
    {
        var kind = new Argument<string>("kind")
        {
            Description = "liveness, readiness or startup; liveness where it is left out",
            DefaultValueFactory = _ => "liveness",
            HelpName = "kind",
        };
        kind.AcceptOnlyFromAmong("liveness", "readiness", "startup");
        var command = new DocumentedCommand("probe", Help) { kind, Cli.BpfFileSystem };
        command.SetAction(async (result, token) =>
        {
            string bpfFileSystem = result.GetRequiredValue(Cli.BpfFileSystem);
            if (!DatapathState.IsRunning(bpfFileSystem))
            {
                throw new IOException($"no daemon runs that has its tables below {bpfFileSystem}");
            }

            var note = DaemonNote.Parse(DaemonNotes.Read(bpfFileSystem));
            string answer = await (result.GetRequiredValue(kind) == "readiness" ? DaemonHealth.AskReadyAsync(note, token) : DaemonHealth.AskAliveAsync(note, token));
            await result.InvocationConfiguration.Output.WriteLineAsync(answer);
            return 0;
        });
        return command;
    }
}
