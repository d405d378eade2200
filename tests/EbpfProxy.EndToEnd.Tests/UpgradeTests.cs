using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>One native binary takes over from another, whose tables have another layout.</summary>
public sealed class UpgradeTests : IDisposable
{
    private readonly ServiceStage _stage = new();
    private readonly NextBinary _next = new();

    public void Dispose()
    {
        _stage.Dispose();
        _next.Dispose();
    }

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void Upgrade_and_rollback_of_the_binary_under_load_fail_no_connection(string protocol)
    {
        using var held = _stage.Client.Place.Hold(protocol, Web4, Port);
        var before = held.Ask();
        using var load = _stage.Client.Place.Load(protocol, (Web4, Port, ""), (Web6, Port, ""));
        load.WaitForMore(500);
        Assert.Equal(["tables-v1"], Tables());

        StartFrom(_next.Path);
        Assert.Equal(["tables-v2"], Tables());
        load.WaitForMore(500);

        StartFrom(ProxyBinary.Path);
        Assert.Equal(["tables-v1"], Tables());
        load.WaitForMore(500);

        load.EndWithoutFailure();
        Assert.Equal(before, held.Ask());
    }

    [KernelFact]
    public void Binary_whose_programs_the_kernel_refuses_ends_with_1_and_the_running_ones_stay()
    {
        using var refused = NextBinary.OfRefusedPrograms();
        using var load = _stage.Client.Place.Load("tcp", (Web4, Port, ""), (Web6, Port, ""));
        load.WaitForMore(200);
        _stage.Proxy.Kill();

        var run = _stage.Node.Host.Run([refused.Path, .. NodeProxy.Arguments(_stage.Node), "--manifests", _stage.Node.Manifests.Path]);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(0, _stage.Node.Command("status").ExitCode);
        Assert.Single(run.Error.Split('\n'), line => line.StartsWith("error: run: load program \"proxy_", StringComparison.Ordinal));
        load.WaitForMore(200);
        _stage.Restart();
        _stage.Proxy.AssertLogs(line => line.Contains("taken over", StringComparison.Ordinal));
        load.WaitForMore(200);
        load.EndWithoutFailure();
    }

    [KernelFact]
    public void Commands_read_the_tables_that_traffic_goes_by_while_another_build_waits_to_fill_its_own()
    {
        WaitsBeside(_next.Path);
        StartFrom(_next.Path);
        WaitsBeside(ProxyBinary.Path);

        void WaitsBeside(string binary)
        {
            _stage.Proxy.Kill();
            _stage.Node.Binary = binary;
            using var waiting = new NodeProxy(_stage.Node, "--master", "http://127.0.0.1:1");
            waiting.WaitForLog(line => line.Contains("Room for ", StringComparison.Ordinal));

            Assert.Equal(["tables-v1", "tables-v2"], Tables().Order());
            Assert.Equal(3, _stage.Client.Place.Spread("tcp", Web4, Port, 50).Count);
            Assert.Contains("translated", _stage.Node.Command("explain", _stage.Client.IPv4, $"{Web4}:{Port}").Output, StringComparison.Ordinal);
            Assert.Contains("web6", _stage.Node.Command("service", "list").Output, StringComparison.Ordinal);
            waiting.Kill();
        }
    }

    /// <summary>A binary on the node beside the daemon of a newer image, or after a rollback that is not complete.</summary>
    [KernelTheory]
    [InlineData("service list")]
    [InlineData("status")]
    [InlineData("maps")]
    [InlineData("top --once")]
    [InlineData("takeover --dry-run")]
    public void Commands_say_that_tables_are_of_another_layout_and_exit_with_1(string command)
    {
        string root = Path.Combine(_stage.Node.BpfFileSystem, "ebpf-proxy");
        string folder = Path.Combine(root, "tables-v9");
        Directory.CreateDirectory(folder);
        _stage.Proxy.Kill();
        foreach (string table in Directory.EnumerateFiles(Path.Combine(root, "tables-v1")))
        {
            using var map = BpfMap.Create(new BpfMapOptions
            {
                Type = BpfMapType.Array,
                Name = Path.GetFileName(table),
                KeySize = 4,
                ValueSize = 96,
                MaxEntries = 1,
                Flags = BpfMapFlags.MemoryMappable,
            });
            map.Pin(Path.Combine(folder, Path.GetFileName(table)));
        }

        Directory.Delete(Path.Combine(root, "tables-v1"), recursive: true);

        var run = _stage.Node.Command(command.Split(' '));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("another version made it", Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private void StartFrom(string binary)
    {
        _stage.Proxy.Kill();
        _stage.Node.Binary = binary;
        _stage.Restart();
    }

    private string[] Tables() =>
        [.. Directory.EnumerateDirectories(Path.Combine(_stage.Node.BpfFileSystem, "ebpf-proxy"), "tables-*").Select(path => Path.GetFileName(path))];
}
