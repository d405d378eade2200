using System.CommandLine;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`takeover`: removes what a kube-proxy left on this node, once nothing needs it. Exit code 1 while something does.</summary>
internal static class TakeoverCommand
{
    private const string Help =
        """
        Remove what kube-proxy left in the kernel of this node, and nothing of others

        The daemon has to run, and does the same by itself unless `takeover` is false: it has the new connections
        from its first sync on. What connection tracking or IPVS still translates goes by kube-proxy's rules until it ends. While a
        kube-proxy runs its rules stay.

        Each table goes in one step of the kernel: what is interrupted is finished by the next call.
        """;

    public static Option<bool> DryRun { get; } = new("--dry-run") { Description = "Say what would be done, and do nothing" };

    public static Option<bool> Wait { get; } = new("--wait") { Description = "Wait until it can be done" };

    public static Command Create()
    {
        var now = new Option<bool>("--now") { Description = "Also while flows live; they go on where rules of others keep connection tracking in use, but not those of IPVS" };
        var processes = HostProcOption.Create();
        var command = new DocumentedCommand("takeover", Help) { DryRun, Wait, now, processes, Cli.BpfFileSystem };
        command.SetAction((result, token) => RunAsync(
            result.GetRequiredValue(Cli.BpfFileSystem),
            result.GetRequiredValue(processes),
            result.GetValue(now),
            new Pace(result.GetValue(DryRun), result.GetValue(Wait), result.InvocationConfiguration.Output),
            token));
        return command;
    }

    private static Task<int> RunAsync(string bpfFileSystem, string processes, bool atOnce, Pace pace, CancellationToken token) => pace.RunAsync(
        () =>
        {
            var found = KubeProxyOnNode.Look(bpfFileSystem, processes);
            if (found.Parts.Count == 0)
            {
                pace.Say(found.Running is { } running
                    ? $"Nothing of kube-proxy's is in the kernel, but one runs: {running}"
                    : "Nothing of kube-proxy's is on this node");
                return found.Running is null ? StepResult.Done : StepResult.Stuck;
            }

            foreach (var part in found.Parts)
            {
                pace.Say($"Found {part}");
            }

            bool isServed = DatapathState.IsRunning(bpfFileSystem) && DatapathState.AttachedPrograms(bpfFileSystem).Count == DatapathState.AllPrograms;
            if (found.ReasonToStay(isServed, atOnce) is { } reason)
            {
                pace.Say($"It stays: {reason}");
                foreach (var flow in found.Flows.Take(Pace.Examples))
                {
                    pace.Say(
                        $"  {Words.Of(flow.Protocol)} to {Words.Of(new AddressPort(flow.Asked, flow.AskedPort))}, answered by "
                        + Words.Of(new AddressPort(flow.Answering, flow.AnsweringPort)));
                }

                return StepResult.Stuck;
            }

            foreach (var part in found.Parts)
            {
                pace.Do($"remove {part.Name}", $"Removed {part.Name}", part.Remove);
            }

            return StepResult.Done;
        },
        token);
}
