using System.Globalization;

namespace EbpfProxy.Commands;

/// <summary>The state of the node in words.</summary>
internal static class StatusText
{
    public static void Write(TextWriter writer, StatusJson status, DateTimeOffset now)
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
            Line("daemon", status.Running ? $"running, pid {daemon.Pid}, since {Time(daemon.Started)}" : "not running; what follows is of the last one");
            TellHealth();
            Line("node", daemon.Node);
            string heard = daemon.LastHeard is { } time ? $", last heard of {Age(now - time)} ago" : "";
            Line("source", $"{daemon.Source}{heard}{(daemon.SourceError is { } error ? $": {error}" : "")}");
            Line("sync", SyncOf(status, now));
            Line("cgroup", daemon.Cgroup);
            if (status.Running && daemon.NotReady is { } reason)
            {
                Line("not ready", reason);
            }
        }

        Line("programs", status.Attached ? "attached" : status.Programs.Count == 0 ? "not attached" : $"{status.Programs.Count} of {status.AllPrograms} attached");
        if (status.HandedBack)
        {
            Line("handed back", "what is new goes by kube-proxy's rules, what was open goes on here");
        }

        Line("services", $"{status.Services}");
        Line("backends", $"{status.Backends}");
        if (status.Tables.FirstOrDefault(table => table.Table == "connections") is { } connections)
        {
            Line("connections", $"{connections.InUse} of {connections.Capacity}");
        }

        Line("fast path", status.FastPath.On ? "on" : $"off: {status.FastPath.Reason}");
        int devices = status.Devices.Select(hook => hook.Device).Distinct().Count();
        Line("devices", daemon is { FailedDevices: > 0 } ? $"{devices}, and {daemon.FailedDevices} that the programs could not be put on: {daemon.FailedNames}"
            : devices == 0 && status.Attached ? "0: only sockets are translated, packets from elsewhere are not (--devices)" : $"{devices}");
        foreach (var hook in status.Devices)
        {
            Line("", $"{hook.Device} {hook.Direction}: {hook.Place}{NamesOf(" after ", hook.Before)}{NamesOf(" before ", hook.After)}");
        }

        foreach (var (table, index) in status.Tables.Where(table => table.Table != "connections").Select((table, index) => (table, index)))
        {
            Line(index == 0 ? "tables" : "", $"{table.Table} {table.InUse} of {table.Capacity}");
        }

        foreach (var ((reason, count), index) in status.Events.Select((entry, index) => (entry, index)))
        {
            Line(index == 0 ? "events" : "", $"{count,12} {reason}");
        }
    }

    private static string SyncOf(StatusJson status, DateTimeOffset now)
    {
        var daemon = status.Daemon!;
        string last = daemon.LastSync is { } time ? $"{Age(now - time)} ago" : "";
        if (daemon.SyncError is { } error)
        {
            return $"failing: {error}{(last.Length > 0 ? $"; last done {last}" : "")}";
        }

        if (status.Running && daemon.WaitingSince is { } waiting)
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

    private static string NamesOf(string word, IReadOnlyList<string> programs) =>
        programs.Count == 0 ? "" : $",{word}{string.Join(", ", programs)}";
}
