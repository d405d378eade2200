using System.Globalization;

namespace EbpfProxy.Output;

/// <summary>The state of the node in words.</summary>
internal static class StatusText
{
    /// <summary>Writes it, a fact a line; with <paramref name="isWide"/> each device, not only how many there are of a kind, and the events that never came.</summary>
    public static void Write(TextWriter writer, StatusJson status, DateTimeOffset now, bool isWide)
    {
        void Line(string name, string text) => writer.WriteLine($"{name,-13}{text}".TrimEnd());

        void TellHealth()
        {
            if (status.Health is { } health)
            {
                Line("health", health);
            }
        }

        var daemon = status.Daemon;
        Line("version", daemon is null || daemon.Version == status.Version ? status.Version : $"{status.Version}; of the daemon {daemon.Version}");
        if (daemon is null)
        {
            Line("daemon", status.Running ? "running" : "not running");
            TellHealth();
        }
        else
        {
            Line("daemon", status.Running ? $"running, pid {daemon.Pid}, since {Time(daemon.StartTime)}" : "not running; what follows is of the last one");
            TellHealth();
            Line("node", daemon.Node);
            string heard = daemon.LastHeardTime is { } time ? $", last heard of {Age(now - time)} ago" : "";
            Line("source", $"{daemon.Source}{heard}{(daemon.SourceError is { } error ? $": {error}" : "")}");
            Line("sync", SyncOf(status, now));
            Line("cgroup", daemon.Cgroup);
            if (status.Running && daemon.NotReady is { } reason)
            {
                Line("not ready", reason);
            }
        }

        Line("programs", status.Attached ? "attached" : status.Programs.Count == 0 ? "not attached" : $"{status.Programs.Count} of {status.ProgramCount} attached");
        if (status.HandedBack)
        {
            Line("handed back", "what is new goes by kube-proxy's rules, what was open goes on here");
        }

        Line("services", $"{status.ServiceCount}");
        Line("backends", $"{status.BackendCount}");
        if (status.Maps.FirstOrDefault(map => map.Map == "connections") is { } connections)
        {
            Line("connections", $"{connections.InUse} of {connections.Capacity}");
        }

        Line("fast path", status.FastPath.On ? "on" : $"off: {status.FastPath.Message}");
        int devices = status.Devices.Select(hook => hook.Device).Distinct().Count();
        Line("devices", daemon is { FailedDeviceCount: > 0 }
            ? $"{devices}, and {daemon.FailedDeviceCount} that the programs could not be put on: {string.Join(", ", daemon.FailedDevices)}"
            : devices == 0 && status.Attached ? "0: only sockets are translated, packets from elsewhere are not (--devices)" : $"{devices}");
        foreach (string line in DeviceLines.Of(status.Devices, isWide))
        {
            Line("", line);
        }

        foreach (var (map, index) in status.Maps.Where(map => map.Map != "connections").Select((map, index) => (map, index)))
        {
            Line(index == 0 ? "maps" : "", $"{map.Map} {map.InUse} of {map.Capacity}");
        }

        var events = status.Events.Where(counted => isWide || counted.Value > 0).ToList();
        foreach (var ((reason, count), index) in events.Select((counted, index) => (counted, index)))
        {
            Line(index == 0 ? "events" : "", $"{count,12} {reason}");
        }

        if (events.Count == 0)
        {
            Line("events", "none");
        }
    }

    private static string SyncOf(StatusJson status, DateTimeOffset now)
    {
        var daemon = status.Daemon!;
        string last = daemon.LastSyncTime is { } time ? $"{Age(now - time)} ago" : "";
        if (daemon.SyncError is { } error)
        {
            return $"failing: {error}{(last.Length > 0 ? $"; last done {last}" : "")}";
        }

        if (status.Running && daemon.WaitingSinceTime is { } waiting)
        {
            return $"a change has waited for {Age(now - waiting)}{(last.Length > 0 ? $"; last done {last}" : "")}";
        }

        if (last.Length == 0)
        {
            return "waiting for the first lists";
        }

        return status.Running ? $"up to date, last change {last}" : $"last {last}";
    }

    /// <summary>A span in its two largest units.</summary>
    internal static string Age(TimeSpan age) => age switch
    {
        { TotalMinutes: < 1 } => $"{Math.Max(0, (int)age.TotalSeconds)} s",
        { TotalHours: < 1 } => $"{age.Minutes} min {age.Seconds} s",
        { TotalDays: < 1 } => $"{age.Hours} h {age.Minutes} min",
        _ => $"{(int)age.TotalDays} d {age.Hours} h",
    };

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
