using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>A daemon whose --devices names no device of the node, in the place of one that served.</summary>
public sealed class MistypedDevicesTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    private readonly PacketStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Outside_is_served_on_by_the_devices_of_before_and_the_daemon_is_not_ready_until_there_is_one()
    {
        var door = _stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        using var held = _stage.Cluster.Outside.Hold("tcp", door.Address, door.Port);
        var first = held.Ask();
        string programs = _stage.Node.AttachedPrograms();
        _stage.Proxy.Kill();

        using var mistyped = new NodeProxy(
            _stage.Node, "--manifests", _stage.Node.Manifests.Path, "--node-ip", $"{_stage.Node.IPv4},{_stage.Node.IPv6}", "--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48", "--devices", "ehh*");

        Eventually.Succeeds(() => Require(mistyped.Health("/readyz"), "HTTP/1.1 503", "\"notReady\":\"--devices (ehh*) names no device of this node"), _deadline);
        Eventually.Succeeds(() => Require(_stage.Node.Command("status").Output, "\nnot ready    --devices (ehh*) names no device of this node"), _deadline);
        Require(mistyped.Health("/healthz"), "HTTP/1.1 200");
        Assert.Equal(1, mistyped.Metric("ebpf_proxy_not_ready{reason=\"devices\"}"));
        Assert.Equal(programs, _stage.Node.AttachedPrograms());
        Assert.Equal(first, held.Ask());
        _stage.Move(PacketStage.OverFar, 4, Backend.Foreign);
        Assert.All(_stage.Cluster.Outside.Ask("tcp4", door.Address, door.Port), answer => Assert.Equal("foreign/8080", answer.Name));

        Shell.Require("ip -n \"$1\" link add ehh0 type bridge", _stage.Node.Network.Name);
        Eventually.Succeeds(() => Require(mistyped.Health("/readyz"), "HTTP/1.1 200"), _deadline);
        Assert.All(_stage.Node.AttachedPrograms().Split('\n'), line => Assert.StartsWith("ehh0(", line, StringComparison.Ordinal));
    }

    private static void Require(string text, params IEnumerable<string> parts)
    {
        if (parts.FirstOrDefault(part => !text.Contains(part, StringComparison.Ordinal)) is { } missing)
        {
            throw new IOException($"{missing} is not in\n{text}");
        }
    }
}
