using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Devices come and go.</summary>
public abstract class DeviceChurnTests(PacketStage stage)
{
    private const int Pods = 200;

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(90);

    [KernelFact]
    public void Two_hundred_devices_of_pods_come_and_go_under_load_and_none_is_forgotten_or_leaks()
    {
        var door4 = stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        var door6 = stage.Door(PacketStage.OverNear, Frontend.LoadBalancer, 6);
        using var load = stage.Cluster.Outside.Load("tcp", (door4.Address, door4.Port, "far/"), (door6.Address, door6.Port, "near/"));
        load.WaitForMore(100);
        string[] before = Programs();
        int pins = Pins();

        for (int round = 0; round < 2; round++)
        {
            Batch(i => $"link add churn{i} type veth peer name pchurn{i}\nlink set churn{i} up");
            Eventually.Holds(AllAreCovered, _deadline);
            load.WaitForMore(50);

            Batch(i => $"link delete churn{i}");
            Eventually.Holds(() => Programs().SequenceEqual(before) && Pins() == pins, _deadline);
        }

        load.EndWithoutFailure();
    }

    [KernelFact]
    public void Pod_that_comes_later_is_served_by_packets_too()
    {
        var late = stage.Node.AddPod("late");

        Eventually.Holds(
            () => late.Sandbox.Probe("-w", "300", "ask", "tcp4", stage.Door(PacketStage.OverFar, Frontend.ClusterIP, 4).Address, "80")[0]
                .StartsWith("answer", StringComparison.Ordinal),
            _deadline);
        stage.Answered(late.Sandbox, PacketStage.OverFar, Frontend.ClusterIP, "far/8080");
        stage.Answered(late.Sandbox, PacketStage.OverNear, Frontend.NodePort, "near/8080");
    }

    private string[] Programs() => stage.Node.AttachedPrograms().Split('\n');

    private bool AllAreCovered()
    {
        var hooks = Programs().Where(line => line.StartsWith("churn", StringComparison.Ordinal)).ToLookup(line => line.Split('(')[0]);
        return hooks.Count == Pods && hooks.All(lines =>
            lines.Any(line => line.Contains("/ingress", StringComparison.Ordinal))
            && lines.Any(line => line.Contains("/egress", StringComparison.Ordinal)));
    }

    private int Pins() => Directory.EnumerateFiles(stage.Node.BpfFileSystem, "*", SearchOption.AllDirectories).Count();

    private void Batch(Func<int, string> commands) => Shell.Require(
        "ip -n \"$1\" -batch - <<< \"$2\"", stage.Node.Network.Name, string.Join('\n', Enumerable.Range(0, Pods).Select(commands)));
}
