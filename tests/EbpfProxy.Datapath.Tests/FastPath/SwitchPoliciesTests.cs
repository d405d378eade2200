using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Model.Devices;

namespace EbpfProxy.Datapath.Tests.FastPath;

public sealed class SwitchPoliciesTests
{
    private const ushort Ethernet = 1;

    [Fact]
    public void Flows_of_a_switch_may_decide_at_its_ports() => Assert.Equal(
        "flows of Open vSwitch at pod1",
        SwitchPolicies.Find(
            [new NodeDevice(7, "eth0", Ethernet, "", 0, "", IsUp: true), new NodeDevice(8, "pod1", Ethernet, "veth", 3, "openvswitch", IsUp: true)], []));
}
