using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>A cluster IP that a device of the node holds, as a node-local DNS cache has it.</summary>
public sealed class DeviceAddressTests(ServiceStage stage) : IClassFixture<ServiceStage>
{
    [KernelTheory]
    [InlineData("tcp4", "web", Web4, "32")]
    [InlineData("udp4-connect", "web", Web4, "32")]
    [InlineData("tcp6", "web6", Web6, "128")]
    public void Cluster_IP_on_a_device_is_left_to_the_stack_while_it_is_there(string row, string service, string address, string bits)
    {
        using var cache = stage.Node.Host.Serve("cache", $"{Port}");

        using (new Device(stage.Node.Network.Name, $"{address}/{bits}"))
        {
            stage.Node.WaitForService(service, row => row.LeftToStack.Length == 1);
            var fromPod = stage.Client.Place.Ask(row, address, Port);
            var fromNode = stage.Node.Host.Ask(row, address, Port);

            Assert.All(fromPod, answer => Assert.Equal("cache/80", answer.Name));
            Assert.All(fromNode, answer => Assert.Equal("cache/80", answer.Name));
        }

        stage.Node.WaitForService(service, row => row.LeftToStack.Length == 0);
        var afterwards = stage.Client.Place.Ask(row, address, Port);

        Assert.All(afterwards, answer => Assert.Matches("^[abc]/8080$", answer.Name));
    }

    /// <summary>A device with one address, as long as it is kept.</summary>
    private sealed class Device : IDisposable
    {
        private readonly string _network;

        public Device(string network, string address)
        {
            _network = network;
            Shell.Require(
                "ip -n \"$1\" link add cache type bridge && ip -n \"$1\" addr add \"$2\" dev cache && ip -n \"$1\" link set cache up",
                network,
                address);
        }

        public void Dispose() => Shell.Require("ip -n \"$1\" link delete cache", _network);
    }
}
