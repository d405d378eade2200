using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>The daemon comes and goes; traffic goes on.</summary>
public sealed class LifecycleTests : IDisposable
{
    private readonly ServiceStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void Killed_daemon_is_not_missed_and_the_next_one_takes_over(string protocol)
    {
        using var held = _stage.Client.Place.Hold(protocol, Web4, Port);
        var before = held.Ask();
        using var load = _stage.Client.Place.Load(protocol, (Web4, Port, ""), (Web6, Port, ""));
        load.WaitForMore(500);

        _stage.Proxy.Kill();
        load.WaitForMore(500);
        _stage.Restart();
        load.WaitForMore(500);

        load.EndWithoutFailure();
        Assert.Equal(before, held.Ask());
        _stage.Proxy.AssertLogs(line => line.Contains("taken over", StringComparison.Ordinal));
    }

    [KernelFact]
    public void Restart_with_nothing_changed_writes_no_map()
    {
        var before = _stage.Node.ReadServices();
        string[] programs = LinkedPrograms();

        _stage.Proxy.Kill();
        _stage.Restart();

        _stage.Proxy.AssertLogs(line => line.Contains("the maps hold them already", StringComparison.Ordinal));
        Assert.DoesNotContain(_stage.Proxy.Log, line => line.Contains("map writes", StringComparison.Ordinal));
        Assert.Equal(before.Select(row => (row.Id, row.Key)), _stage.Node.ReadServices().Select(row => (row.Id, row.Key)));
        Assert.Equal(programs.Length, LinkedPrograms().Length);
    }

    [KernelFact]
    public void Change_made_while_no_daemon_runs_is_written_by_the_next_one()
    {
        _stage.Proxy.Kill();
        _stage.Node.Manifests.Write(WebOver(_stage.A));

        _stage.Restart();

        Assert.Equal(["a/8080"], _stage.Client.Place.Spread("tcp", Web4, Port, 50).Keys);
    }

    [KernelFact]
    public void Second_daemon_on_the_same_pins_is_refused_and_leaves_the_settings_of_the_node()
    {
        string before = EstablishedTimeout();
        using var second = _stage.Node.Host.Start(
            [ProxyBinary.Path, .. NodeProxy.Arguments(_stage.Node), "--manifests", _stage.Node.Manifests.Path,
             "--healthz-bind-address", "127.0.0.1:20256", "--metrics-bind-address", "127.0.0.1:20249",
             "--conntrack-tcp-timeout-established", "1h"]);

        Assert.NotEqual(0, second.WaitForExit());
        Assert.Equal(before, EstablishedTimeout());
        Assert.Contains(second.Lines, line => line.Contains("another ebpf-proxy is running", StringComparison.Ordinal));
        Assert.Equal(3, _stage.Client.Place.Ask("tcp4", Web4, Port).Length);
    }

    [KernelFact]
    public void Daemon_that_waits_for_the_prefixes_of_its_pods_ends_by_a_signal_with_0()
    {
        _stage.Proxy.Kill();
        using var waiting = new NodeProxy(_stage.Node, "--manifests", _stage.Node.Manifests.Path, "--detect-local-mode", "NodeCIDR");
        waiting.WaitForLog(line => line.Contains("EndpointSlices", StringComparison.Ordinal));

        Assert.Equal(0, waiting.Terminate());
    }

    [KernelFact]
    public void Status_tells_of_the_daemon_while_it_runs_and_afterwards()
    {
        Eventually.Holds(
            () => ReadStatus().GetProperty("daemon") is { ValueKind: JsonValueKind.Object } note
                && note.GetProperty("lastSyncTime").ValueKind == JsonValueKind.String,
            TimeSpan.FromSeconds(20));
        var running = ReadStatus();
        Assert.True(running.GetProperty("running").GetBoolean());
        AssertTold(running);

        _stage.Proxy.Kill();

        var left = ReadStatus();
        Assert.False(left.GetProperty("running").GetBoolean());
        AssertTold(left);
        var text = _stage.Node.Command("status");
        Assert.Equal(0, text.ExitCode);
        Assert.Contains("not running; what follows is of the last one", text.Output, StringComparison.Ordinal);

        void AssertTold(JsonElement status)
        {
            var daemon = status.GetProperty("daemon");
            Assert.Equal(_stage.Node.CgroupRoot, daemon.GetProperty("cgroup").GetString());
            Assert.Equal($"manifests in {_stage.Node.Manifests.Path}", daemon.GetProperty("source").GetString());
            Assert.NotEqual("", daemon.GetProperty("node").GetString());
            Assert.True(status.GetProperty("attached").GetBoolean());
            Assert.Equal(8, status.GetProperty("serviceCount").GetInt32());
            var connections = status.GetProperty("maps").EnumerateArray().Single(map => map.GetProperty("map").GetString() == "connections");
            Assert.InRange(connections.GetProperty("capacity").GetInt64(), 1, long.MaxValue);
        }

        JsonElement ReadStatus() => JsonDocument.Parse(_stage.Node.Command("status", "-o", "json").Output).RootElement;
    }

    [KernelFact]
    public void Cleanup_leaves_nothing_behind()
    {
        string[] links = [.. LinkedPrograms().Select(pin => IdOf("link", pin))];
        string[] programs = [.. LinkedPrograms().Select(ProgramOf)];
        string[] maps = [.. Directory.EnumerateFiles(PinsBelow("tables-v1")).Select(pin => IdOf("map", pin))];
        Assert.NotEmpty(links);
        Assert.NotEmpty(maps);
        Assert.NotEqual(0, _stage.Node.Command("cleanup").ExitCode);
        _stage.Proxy.Kill();

        var cleanup = _stage.Node.Command("cleanup");

        Assert.True(cleanup.ExitCode == 0, cleanup.Error);
        Assert.Empty(Directory.EnumerateDirectories(_stage.Node.BpfFileSystem));

        // The kernel lets go of a link a moment after its pin.
        Eventually.Holds(() => Shell.Require("bpftool cgroup show \"$1\"", _stage.Node.CgroupRoot).Trim().Length == 0, TimeSpan.FromSeconds(10));
        AssertGone("link", links);
        AssertGone("prog", programs);
        AssertGone("map", maps);
        Assert.NotEqual("answered", _stage.Client.Place.AskInVain("tcp4", Web4, Port).Split(' ')[0]);
    }

    [KernelFact]
    public void Partial_cgroup_mount_is_refused_unless_it_is_named()
    {
        _stage.Proxy.Kill();
        // In a namespace of its own the node's cgroup looks like the root of all.
        const string script =
            """
            mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts) && umount -l "$mount" && mount -t cgroup2 none "$mount" && exec "$@"
            """;
        string[] inPart = ["unshare", "-Cm", "bash", "-c", script, "bash", ProxyBinary.Path];

        var refused = _stage.Node.Host.Run(
            [.. inPart, "run", "--bpffs", _stage.Node.BpfFileSystem, "--manifests", _stage.Node.Manifests.Path, "--hostname-override", "x"]);
        string root = refused.Error.Split("--cgroup-root=")[^1].Split(')', '\n')[0];
        var named = _stage.Node.Host.Run([.. inPart, "check", "--cgroup-root", root]);

        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("shows only part of the cgroup hierarchy", refused.Error, StringComparison.Ordinal);
        Assert.Matches($@"(?m)^cgroup v2 +ok +{root}$", named.Output);
    }

    private string EstablishedTimeout() =>
        _stage.Node.Host.Run(["cat", "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established"]).Output;

    private string PinsBelow(string folder) => Path.Combine(_stage.Node.BpfFileSystem, "ebpf-proxy", folder);

    private string[] LinkedPrograms() => [.. Directory.EnumerateFiles(PinsBelow("links")).Order(StringComparer.Ordinal)];

    // Some versions of bpftool show a link and exit with 255 all the same.
    private static string IdOf(string kind, string pin) => Shell.Require("bpftool \"$1\" show pinned \"$2\" | cat", kind, pin).Split(':')[0];

    private static string ProgramOf(string link) =>
        Shell.Require("bpftool link show pinned \"$1\" | sed -n 's/.* prog \\([0-9]*\\).*/\\1/p'", link).Trim();

    /// <summary>The kernel takes away what nothing holds after a grace period.</summary>
    private static void AssertGone(string kind, string[] ids) => Eventually.Succeeds(
        () =>
        {
            foreach (string id in ids)
            {
                if (Shell.Run("bpftool \"$1\" show id \"$2\"", kind, id).ExitCode == 0)
                {
                    throw new IOException($"{kind} {id} is still there");
                }
            }
        },
        TimeSpan.FromSeconds(10));
}
