using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.KubeProxy;

/// <summary>A process of a node that has the name of kube-proxy.</summary>
internal sealed class RunningKubeProxy : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kube-proxy-").FullName;
    private readonly LineProcess _process;

    public RunningKubeProxy(TestNode node)
    {
        string program = Path.Combine(_folder, "kube-proxy");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "probe"), program);
        _process = node.Host.Start(program, "serve", "kube-proxy", "18080");
        Assert.Equal("ready", _process.ReadLine());
        Pid = _process.Id;
    }

    /// <summary>Its process.</summary>
    public int Pid { get; }

    public void Dispose()
    {
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
