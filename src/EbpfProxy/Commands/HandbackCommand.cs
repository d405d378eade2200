using System.CommandLine;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.View;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>`handback`: gives the node back to kube-proxy without cutting a connection. Exit code 1 until that is over.</summary>
internal static class HandbackCommand
{
    private const string Help =
        """
        Give this node back to kube-proxy

        The daemon has to be stopped, and kube-proxy's rules have to be there. From then on new connections go by them. Those that
        are translated in tc go on, and when the last of them is over, every program, link, map and pin is removed. Connected sockets
        go on all the same; only the peer that they are shown is the backend then, for which they are given some time. A daemon that
        starts meanwhile takes the node back.
        """;

    public static Command Create()
    {
        var now = new Option<bool>("--now") { Description = "Remove everything at once: as `cleanup`, which asks no more" };
        var forSockets = new Option<string>("--wait-for-sockets")
        {
            Description = "How long connected sockets are waited for when nothing else is left",
            HelpName = "duration",
            DefaultValueFactory = _ => "10m",
        };
        forSockets.Validators.Add(result =>
        {
            string text = result.GetRequiredValue(forSockets);
            if (!GoDuration.TryParse(text, out var duration) || duration < TimeSpan.Zero)
            {
                result.AddError($"--wait-for-sockets: \"{text}\" is no duration, as 10m or 30s is");
            }
        });
        var command = new DocumentedCommand("handback", Help) { TakeoverCommand.DryRun, TakeoverCommand.Wait, forSockets, now, Cli.BpfFileSystem };
        command.SetAction((result, token) => RunAsync(
            result.GetRequiredValue(Cli.BpfFileSystem),
            result.GetValue(now),
            new Patience(GoDuration.TryParse(result.GetRequiredValue(forSockets), out var limit) ? limit : TimeSpan.Zero, TimeProvider.System),
            new Pace(result.GetValue(TakeoverCommand.DryRun), result.GetValue(TakeoverCommand.Wait), result.InvocationConfiguration.Output),
            token));
        return command;
    }

    private static Task<int> RunAsync(string bpfFileSystem, bool atOnce, Patience patience, Pace pace, CancellationToken token) => pace.RunAsync(
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

            if (!atOnce && !HandOver(bpfFileSystem, patience, pace))
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
    private static bool HandOver(string bpfFileSystem, Patience patience, Pace pace)
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
        if (live.IsNone)
        {
            return true;
        }

        bool isOver = live.Connections == 0 && patience.IsOver();
        pace.Report(isOver
            ? $"{live.Sockets} connected sockets are left: they go on, and are shown the backend as their peer from now on"
            : $"Until they are over {live.Connections} connections are translated in tc, and {live.Sockets} connected sockets are shown "
              + "the service as their peer");
        return isOver;
    }

    /// <summary>How long to wait for what costs nothing when it is not waited for; begins when it is first asked.</summary>
    private sealed class Patience(TimeSpan limit, TimeProvider time)
    {
        private long? _begin;

        public bool IsOver() => time.GetElapsedTime(_begin ??= time.GetTimestamp()) >= limit;
    }
}
