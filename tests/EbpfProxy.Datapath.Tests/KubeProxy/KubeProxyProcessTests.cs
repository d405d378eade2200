using EbpfProxy.Datapath.KubeProxy;

namespace EbpfProxy.Datapath.Tests.KubeProxy;

public sealed class KubeProxyProcessTests : IDisposable
{
    private readonly string _processes = Directory.CreateTempSubdirectory("ebpf-proxy-processes-").FullName;

    public void Dispose() => Directory.Delete(_processes, recursive: true);

    /// <summary>The daemon of a pod may not see the namespaces of privileged processes.</summary>
    [Theory]
    [InlineData("kube-proxy", 'S', true)]
    [InlineData("kube-proxy", 'R', true)]
    [InlineData("kube-proxy", 'Z', false)]
    [InlineData("kube-proxy", 'X', false)]
    [InlineData("kube-proxy2", 'S', false)]
    public void One_whose_namespace_is_not_ours_to_see_runs_on_the_node_until_it_ends(string command, char state, bool isFound)
    {
        string process = Directory.CreateDirectory(Path.Combine(_processes, "4711")).FullName;
        File.WriteAllText(Path.Combine(process, "comm"), command + "\n");
        File.WriteAllText(Path.Combine(process, "stat"), $"4711 ({command}) {state} 1 4711");

        Assert.Equal(isFound ? "process 4711 is kube-proxy" : null, KubeProxyProcess.Find(_processes));
    }
}
