using System.CommandLine;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;
using EbpfProxy.Support;

namespace EbpfProxy.Commands;

/// <summary>`status`: what of the proxy is on this node, and what its programs have done. Exit code 1 if it translates nothing.</summary>
internal static class StatusCommand
{
    private const string Help =
        """
        Say what of the proxy is on this node, with or without a daemon that runs

        devices  those that have the programs, with their place among the programs of others. Of many of a kind where that is
                 the same, how many; each one by name with -o wide, and where it is otherwise than with the most of its kind
        events   what the programs counted, by the reasons of docs/datapath.md; those that never came with -o wide

        ebpf-proxy status
        ebpf-proxy status -o wide
        ebpf-proxy status -o json | jq .daemon.lastSyncTime

        Exit code 1 if the programs are not all attached.
        """;

    public static Command Create()
    {
        var output = OutputOption.CreateForList();
        var command = new DocumentedCommand("status", Help) { output, Cli.BpfFileSystem };
        command.SetAction(async (result, token) =>
        {
            string bpfFileSystem = result.GetRequiredValue(Cli.BpfFileSystem);
            var form = OutputOption.FormOf(result, output);
            if (form is OutputForm.Text or OutputForm.Wide && !Handback.IsThere(bpfFileSystem))
            {
                throw new IOException($"nothing of ebpf-proxy below {bpfFileSystem}: is it running on this node, with this --bpffs?");
            }

            var status = await ReadAsync(bpfFileSystem, token);
            var writer = result.InvocationConfiguration.Output;
            if (!OutputOption.TryWrite(writer, form, status, ListJsonContext.Readable.StatusJson))
            {
                StatusText.Write(writer, status, TimeProvider.System.GetUtcNow(), isWide: form == OutputForm.Wide);
            }

            return status.Attached ? 0 : Cli.Failure;
        });
        return command;
    }

    private static async Task<StatusJson> ReadAsync(string bpfFileSystem, CancellationToken token)
    {
        var programs = DatapathState.AttachedPrograms(bpfFileSystem);
        bool isAttached = programs.Count == DatapathState.AllPrograms;
        bool isRunning = DatapathState.IsRunning(bpfFileSystem);
        bool isHandedBack = !isRunning && programs.Count > 0 && Handback.IsDone(bpfFileSystem);
        bool hasTables = isAttached || isHandedBack;
        var services = hasTables ? DatapathView.ReadServices(bpfFileSystem) : [];
        var counters = hasTables ? ReasonCounters.Read(bpfFileSystem) : [];
        var fastPath = FastPathView.Read(bpfFileSystem);
        var note = DaemonNote.Parse(DaemonNotes.Read(bpfFileSystem));
        return new StatusJson(
            ProxyDaemon.Version,
            isRunning,
            DaemonJson.From(note),
            isRunning ? await HealthOfAsync(note, token) : null,
            isAttached,
            programs,
            DatapathState.AllPrograms,
            isHandedBack,
            services.Count,
            services.Sum(s => s.Backends.Length),
            [.. DeviceHookView.Read(bpfFileSystem).Select(hook => new DeviceHookJson(hook.Device, hook.Kind, hook.Direction, hook.Place, hook.Before, hook.After))],
            [.. TableFills.Read(bpfFileSystem).Select(MapJson.From)],
            Enum.GetValues<Reason>()
                .Where(r => r != Reason.None && (int)r < counters.Count)
                .ToDictionary(Words.Of, r => counters[(int)r]),
            new FastPathJson(fastPath.IsOn, fastPath.Reason));
    }

    /// <summary>A daemon that hangs leaves a note that all is well: so it is asked. This page counts in no metric.</summary>
    private static async Task<string> HealthOfAsync(DaemonNote? note, CancellationToken token)
    {
        try
        {
            return await DaemonHealth.AskReadyAsync(note, token);
        }
        catch (IOException error)
        {
            return error.Message;
        }
    }
}
