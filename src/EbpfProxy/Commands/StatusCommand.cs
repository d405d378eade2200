using System.CommandLine;
using System.Text.Json;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Commands;

/// <summary>`status`: what of the proxy is on this node, and what its programs have done. Exit code 1 if it translates nothing.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var output = OutputOption.Create();
        var command = new Command("status", "Say what of the proxy is on this node") { output, Cli.BpfFileSystem };
        command.SetAction(result =>
        {
            var status = Read(result.GetRequiredValue(Cli.BpfFileSystem));
            var writer = result.InvocationConfiguration.Output;
            if (OutputOption.IsJson(result, output))
            {
                writer.WriteLine(JsonSerializer.Serialize(status, ListJsonContext.Readable.StatusJson));
            }
            else
            {
                Write(writer, status);
            }

            return status.Attached ? 0 : Cli.Failure;
        });
        return command;
    }

    private static StatusJson Read(string bpfFileSystem)
    {
        bool isAttached = DatapathState.AttachedPrograms(bpfFileSystem).Count == DatapathState.AllPrograms;
        var services = isAttached ? DatapathView.ReadServices(bpfFileSystem) : [];
        var counters = isAttached ? ReasonCounters.Read(bpfFileSystem) : [];
        var fastPath = FastPathView.Read(bpfFileSystem);
        return new StatusJson(
            ProxyDaemon.Version,
            DatapathState.IsRunning(bpfFileSystem),
            isAttached,
            services.Count,
            services.Sum(s => s.Backends.Length),
            Enum.GetValues<Reason>()
                .Where(r => r != Reason.None && (int)r < counters.Count)
                .ToDictionary(Words.Of, r => counters[(int)r]),
            [.. DeviceHookView.Read(bpfFileSystem).Select(hook => new DeviceHookJson(hook.Device, hook.Direction, hook.Place, hook.Before, hook.After))],
            new FastPathJson(fastPath.IsOn, fastPath.Reason));
    }

    private static void Write(TextWriter writer, StatusJson status)
    {
        writer.WriteLine($"daemon      {(status.Running ? "running" : "not running")}");
        writer.WriteLine($"programs    {(status.Attached ? "attached" : "not attached")}");
        writer.WriteLine($"services    {status.Services}");
        writer.WriteLine($"backends    {status.Backends}");
        writer.WriteLine($"fast path   {(status.FastPath.On ? "on" : $"off: {status.FastPath.Reason}")}");
        writer.WriteLine($"devices     {status.Devices.Select(hook => hook.Device).Distinct().Count()}");
        foreach (var hook in status.Devices)
        {
            writer.WriteLine($"            {hook.Device} {hook.Direction}: {hook.Place}{NamesOf(" after ", hook.Before)}{NamesOf(" before ", hook.After)}");
        }

        foreach (var (reason, count) in status.Events)
        {
            writer.WriteLine($"            {count,12} {reason}");
        }
    }

    private static string NamesOf(string word, IReadOnlyList<string> programs) =>
        programs.Count == 0 ? "" : $",{word}{string.Join(", ", programs)}";
}
