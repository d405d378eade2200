using EbpfProxy.Datapath.Node;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Node;

public sealed class RouteNetlinkTests : IDisposable
{
    private readonly ScratchNetworkNamespace _network = new();

    public void Dispose() => _network.Dispose();

    [KernelFact]
    public void Device_of_which_the_kernel_has_more_to_tell_than_fits_into_a_part_is_read() => _network.Invoke(() =>
    {
        Assert.Equal(0, _network.Run("""
            set -e
            ip link add below type veth peer name other
            ip link add link below name above type macvlan mode source
            for ((i = 0; i < 5000; i++)); do
              printf 'link set link dev above type macvlan macaddr add 02:00:00:00:%02x:%02x\n' $((i / 256)) $((i % 256))
            done | ip -batch -
            """).ExitCode);
        using var netlink = new RouteNetlink();

        // One that comes after it, too.
        Assert.Equal(0, _network.Run("ip link add last type bridge").ExitCode);

        Assert.Equal(["above", "below", "last", "lo", "other"], netlink.ReadDevices().Select(device => device.Name).Order(StringComparer.Ordinal));
    });
}
