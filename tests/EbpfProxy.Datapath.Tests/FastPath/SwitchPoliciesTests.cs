using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.FastPath;

public sealed class SwitchPoliciesTests : IDisposable
{
    private const ushort Ethernet = 1;

    private readonly ScratchNetworkNamespace _network = new();

    public void Dispose() => _network.Dispose();

    [Fact]
    public void Flows_of_a_switch_may_decide_at_its_ports() => Assert.Equal(
        "flows of Open vSwitch at pod1",
        SwitchPolicies.Find(
            [new NodeDevice(7, "eth0", Ethernet, "", 0, "", IsUp: true), new NodeDevice(8, "pod1", Ethernet, "veth", 3, "openvswitch", IsUp: true)], []));

    [KernelTheory]
    [InlineData(0, 0, null)]
    [InlineData(1, 1, null)]
    [InlineData(0, 1, null)]
    [InlineData(1, 0, "br0 does not forward")]
    public void Bridge_decides_where_it_does_not_forward_and_its_port_does(int port, int bridge, string? expected) => _network.Invoke(() =>
    {
        Assert.Equal(0, _network.Run("ip link add br0 type bridge && ip link add pod1 type veth peer name peer1 && ip link set pod1 master br0").ExitCode);
        File.WriteAllText("/proc/sys/net/ipv4/conf/pod1/forwarding", $"{port}");
        File.WriteAllText("/proc/sys/net/ipv4/conf/br0/forwarding", $"{bridge}");
        var network = NodeNetworkWatcher.Read();
        NodeDevice[] ports = [.. network.Devices.Where(device => device.Name == "pod1")];

        Assert.Equal(expected, SwitchPolicies.Find(ports, [.. network.BridgesOf(ports)]));
    });
}
