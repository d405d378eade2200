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

    private void StartFrom(string binary)
    {
        _stage.Proxy.Kill();
        _stage.Node.Binary = binary;
        _stage.Restart();
    }

    private string[] Tables() =>
        [.. Directory.EnumerateDirectories(Path.Combine(_stage.Node.BpfFileSystem, "ebpf-proxy"), "tables-*").Select(path => Path.GetFileName(path))];
}
