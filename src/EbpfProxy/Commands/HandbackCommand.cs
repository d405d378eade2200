using System.CommandLine;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Commands;

/// <summary>`handback`: gives the node back to kube-proxy without cutting a connection. Exit code 1 until that is over.</summary>
internal static class HandbackCommand
{
    private const string Help =
        """
        Give this node back to kube-proxy

        The daemon has to be stopped, and kube-proxy's rules have to be there. From then on new connections go by them. Those that
        are translated in tc go on, and so do connected sockets; when the last of them is over, every program, link, map and pin
        is removed. A daemon that starts meanwhile takes the node back.
        """;

    public static Command Create()
    {
        var now = new Option<bool>("--now") { Description = "Remove everything at once: as `cleanup`, which asks no more" };
        var command = new DocumentedCommand("handback", Help) { TakeoverCommand.DryRun, TakeoverCommand.Wait, now, Cli.BpfFileSystem };
        command.SetAction((result, token) => RunAsync(
            result.GetRequiredValue(Cli.BpfFileSystem),
            result.GetValue(now),
            new Pace(result.GetValue(TakeoverCommand.DryRun), result.GetValue(TakeoverCommand.Wait), result.InvocationConfiguration.Output),
            token));
        return command;
    }

    private static Task<int> RunAsync(string bpfFileSystem, bool atOnce, Pace pace, CancellationToken token) => pace.RunAsync(
        () =>
        {
            if (!Handback.IsThere(bpfFileSystem))
            {
                pace.Say($"Nothing of ebpf-proxy is below {bpfFileSystem}");
                return StepResult.Done;
            }

            if (DatapathState.IsRunning(bpfFileSystem))
            {
                pace.Say("Nothing is handed back: the daemon runs and would take it again; stop it first");
                return StepResult.Stuck;
            }

            if (!atOnce && !HandOver(bpfFileSystem, pace))
            {
                return StepResult.Stuck;
            }

            pace.Do(
                "remove every program, link, map and pin of ebpf-proxy",
                $"Removed the programs and tables below {bpfFileSystem}",
                () => DatapathState.Remove(bpfFileSystem));
            return StepResult.Done;
        },
        token);

    /// <summary>Gives kube-proxy the new connections; false while that cannot be, or while others live.</summary>
    private static bool HandOver(string bpfFileSystem, Pace pace)
    {
        if (!Handback.IsDone(bpfFileSystem))
        {
            var found = KubeProxyOnNode.Look(bpfFileSystem, HostProcOption.Default);
            if (found.Parts.Count == 0)
            {
                pace.Say("Nothing is handed back: no rules of kube-proxy are on this node, and services would not work; start it first");
                return false;
            }

            foreach (var part in found.Parts)
            {
                pace.Say($"Found {part}");
            }

            if (!found.Parts.Any(part => part.Translates))
            {
                pace.Say("Nothing is handed back: these are no rules for services yet, and services would not work");
                return false;
            }

            pace.Do(
                "leave new connections to kube-proxy's rules",
                "New connections go by kube-proxy's rules",
                () => Handback.Do(bpfFileSystem));
        }

        var live = Handback.Count(bpfFileSystem);
        if (!live.IsNone)
        {
            pace.Say(
                $"Until they are over {live.Connections} connections are translated in tc, and {live.Sockets} connected sockets are shown "
                + "the service as their peer");
        }

        return live.IsNone;
    }
}
