using EbpfProxy.Output;

namespace EbpfProxy.Tests.Output;

public sealed class StatusTextTests
{
    private static readonly DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly DaemonJson _note = new(
        "1.0", 42, _now.AddHours(-1), "n1", "/sys/fs/cgroup", "API server https://10.0.0.1", SourceError: null, _now.AddSeconds(-20), _now.AddSeconds(-90), SyncError: null,
        FailedDeviceCount: 0, FailedDevices: [], TellsLocalPods: true, LocalPodCIDRs: ["10.0.0.0/8"], MasqueradeAll: false, PreserveClientAddress: false, ServiceCIDRs: ["10.96.0.0/16"], "off",
        HealthzBindAddress: "0.0.0.0:10256", HealthError: null, WaitingSinceTime: null, NotReady: null);

    private static readonly StatusJson _status = new(
        "1.0", Running: true, _note, Health: "http://127.0.0.1:10256/readyz answers 200", Attached: true, ["proxy_connect4"], 1, HandedBack: false, 3, 5, [new DeviceHookJson("eth0", "", "ingress", "tcx first", [], ["cni"])],
        [new MapJson("frontends", 3, 16, ""), new MapJson("connections", 7, 16384, "")], new Dictionary<string, ulong> { ["translated"] = 9, ["no_endpoint"] = 0 },
        new FastPathJson(false, "by the setting"));

    [Fact]
    public void A_node_that_works_is_told_line_by_line() => Assert.Equal(
        [
            "version      1.0",
            "daemon       running, pid 42, since 2026-01-02 02:04:05Z",
            "health       http://127.0.0.1:10256/readyz answers 200",
            "node         n1",
            "source       API server https://10.0.0.1, last heard of 20 s ago",
            "sync         up to date, last change 1 min 30 s ago",
            "cgroup       /sys/fs/cgroup",
            "programs     attached",
            "services     3",
            "backends     5",
            "connections  7 of 16384",
            "fast path    off: by the setting",
            "devices      1",
            "             eth0 ingress: tcx first, before cni",
            "maps         frontends 3 of 16",
            "events                  9 translated",
        ],
        Lines(_status));

    /// <summary>There are two dozen of them, and what counts at night is the one that is not 0.</summary>
    [Fact]
    public void Events_that_never_came_are_told_with_all_else_alone()
    {
        Assert.DoesNotContain(Lines(_status), line => line.Contains("no_endpoint", StringComparison.Ordinal));
        Assert.Equal("                        0 no_endpoint", Lines(_status, isWide: true)[^1]);
        Assert.Equal("events       none", Lines(_status with { Events = new Dictionary<string, ulong> { ["translated"] = 0 } })[^1]);
    }

    [Fact]
    public void Without_a_daemon_the_last_one_is_told_as_such()
    {
        string[] lines = Lines(_status with { Running = false, Health = null });

        Assert.DoesNotContain(lines, line => line.StartsWith("health", StringComparison.Ordinal));
        Assert.Contains("daemon       not running; what follows is of the last one", lines);
        Assert.Contains("sync         last 1 min 30 s ago", lines);
    }

    [Fact]
    public void That_the_node_is_handed_back_is_told_beside_its_programs()
    {
        string[] lines = Lines(_status with { Running = false, Attached = false, ProgramCount = 9, HandedBack = true });

        int programs = Array.IndexOf(lines, "programs     1 of 9 attached");
        Assert.Equal("handed back  what is new goes by kube-proxy's rules, what was open goes on here", lines[programs + 1]);
    }

    [Fact]
    public void Without_a_note_there_is_still_what_the_kernel_knows()
    {
        string[] lines = Lines(_status with { Running = false, Daemon = null, Attached = false, Programs = [] });

        Assert.Contains("daemon       not running", lines);
        Assert.Contains("programs     not attached", lines);
        Assert.Contains("connections  7 of 16384", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("sync", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_wrong_is_told_where_it_is_wrong()
    {
        var note = _note with { SourceError = "services: connection refused", SyncError = "ENOMEM", FailedDeviceCount = 2, FailedDevices = ["eth1", "eth2"], Version = "0.9" };
        string[] lines = Lines(_status with { Daemon = note, Attached = false, ProgramCount = 9 });

        Assert.Contains("version      1.0; of the daemon 0.9", lines);
        Assert.Contains("source       API server https://10.0.0.1, last heard of 20 s ago: services: connection refused", lines);
        Assert.Contains("sync         failing: ENOMEM; last done 1 min 30 s ago", lines);
        Assert.Contains("programs     1 of 9 attached", lines);
        Assert.Contains("devices      1, and 2 that the programs could not be put on: eth1, eth2", lines);
        Assert.Contains("devices      0: only sockets are translated, packets from elsewhere are not (--devices)", Lines(_status with { Devices = [] }));
        Assert.Contains("source       API server https://10.0.0.1", Lines(_status with { Daemon = _note with { LastHeardTime = null } }));
        Assert.Contains("not ready    no such device", Lines(_status with { Daemon = _note with { NotReady = "no such device" } }));
        Assert.DoesNotContain(Lines(_status with { Running = false, Daemon = _note with { NotReady = "no such device" } }), line => line.StartsWith("not ready", StringComparison.Ordinal));
        Assert.Contains("sync         waiting for the first lists", Lines(_status with { Daemon = _note with { LastSyncTime = null } }));
    }

    /// <summary>A daemon that hangs in the middle of a sync has neither an error nor a new time to tell.</summary>
    [Fact]
    public void A_change_that_waits_is_not_called_up_to_date()
    {
        string[] lines = Lines(_status with { Daemon = _note with { WaitingSinceTime = _now.AddSeconds(-70) }, Health = "http://127.0.0.1:10256/readyz: no answer within 4 s" });

        Assert.Contains("sync         a change has waited for 1 min 10 s; last done 1 min 30 s ago", lines);
        Assert.Contains("health       http://127.0.0.1:10256/readyz: no answer within 4 s", lines);
    }

    [Theory]
    [InlineData(-3, "0 s")]
    [InlineData(59, "59 s")]
    [InlineData(60, "1 min 0 s")]
    [InlineData(3600, "1 h 0 min")]
    [InlineData(90000, "1 d 1 h")]
    public void Ages_have_two_units(int seconds, string text) => Assert.Equal(text, StatusText.Age(TimeSpan.FromSeconds(seconds)));

    private static string[] Lines(StatusJson status, bool isWide = false)
    {
        using var writer = new StringWriter();
        StatusText.Write(writer, status, _now, isWide);
        return writer.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
