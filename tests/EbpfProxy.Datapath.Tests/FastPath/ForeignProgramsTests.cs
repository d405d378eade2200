using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.FastPath;

public sealed class ForeignProgramsTests : IDisposable
{
    private const ushort Ethernet = 1;

    private readonly ScratchNetworkNamespace _network = new();

    public void Dispose() => _network.Dispose();

    [KernelFact]
    public void Device_that_went_since_it_was_listed_has_nothing_and_the_others_are_looked_at() => _network.Invoke(() =>
    {
        Shell.Require("""
            ip -n "$1" link add veth0 type veth peer name veth1
            tc -n "$1" qdisc add dev veth0 clsact
            """, _network.Name);
        var gone = new NodeDevice(4711, "gone0", Ethernet, "veth", 0, "", IsUp: true);
        NodeDevice[] devices = [gone, .. NodeNetworkWatcher.Read().Devices];
        using var foreign = new ForeignPrograms();
        Assert.Null(foreign.Find(devices));

        Shell.Require("tc -n \"$1\" filter add dev veth0 ingress protocol ip u32 match u32 0 0 flowid :1", _network.Name);

        Assert.Equal("u32 filter at veth0 ingress", foreign.Find(devices));
    });
}
