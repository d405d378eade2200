using EbpfProxy.Daemon;

namespace EbpfProxy.Tests.Daemon;

public sealed class ClusterSourceTests
{
    [Fact]
    public void Nodes_of_one_machine_remember_their_own_api_servers()
    {
        Assert.Equal("/run/ebpf-proxy/api-servers-node-1", ClusterSource.StateFileOf("node-1"));
        Assert.NotEqual(ClusterSource.StateFileOf("node-1"), ClusterSource.StateFileOf("node-2"));
        Assert.Equal("/run/ebpf-proxy/api-servers-a%2F..%2Fb", ClusterSource.StateFileOf("a/../b"));
    }
}
