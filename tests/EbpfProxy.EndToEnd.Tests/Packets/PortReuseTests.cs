using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>A client that has few ports, and comes from each again as soon as it is closed.</summary>
public sealed class PortReuseTests : IDisposable
{
    private const int TableSize = 16384;

    // The kernel takes every other one for connect().
    private const int Ports = 2000;

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly PacketStage _stage = new(new ClusterShape(), "--max-connections", $"{TableSize}");

    public void Dispose() => _stage.Dispose();

    /// <summary>Several times as many connections as there is room for.</summary>
    [KernelFact]
    public void Client_of_few_ports_takes_no_more_places_than_ports_and_is_never_refused()
    {
        _stage.Cluster.Outside.Run("sh", "-c", $"echo 20000 {20000 + (2 * Ports) - 1} > /proc/sys/net/ipv4/ip_local_port_range");
        var door = _stage.Door(PacketStage.OverNear, Frontend.LoadBalancer, 6);
        using var load = _stage.Cluster.Outside.Load("tcp", (door.Address, door.Port, "near/"));

        load.WaitForMore(4 * TableSize);

        load.EndWithoutFailure();
        Eventually.Holds(() => _stage.Proxy.Metric("ebpf_proxy_connections") is > 0 and <= 1.1 * Ports, _deadline);
    }
}
