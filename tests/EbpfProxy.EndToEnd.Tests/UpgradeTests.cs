using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
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

    private void StartFrom(string binary)
    {
        _stage.Proxy.Kill();
        _stage.Node.Binary = binary;
        _stage.Restart();
    }

    private string[] Tables() =>
        [.. Directory.EnumerateDirectories(Path.Combine(_stage.Node.BpfFileSystem, "ebpf-proxy"), "tables-*").Select(path => Path.GetFileName(path))];
}
