namespace EbpfProxy.Testing.ApiServer;

/// <summary>What a test can ask of any API server: of the one in this process, and of Kubernetes' own.</summary>
public interface IApiServer : IAsyncDisposable
{
    Uri Address { get; }

    /// <summary>The version of Kubernetes whose API it has.</summary>
    Version Version { get; }

    /// <summary>Writes a kubeconfig that reaches it; returns its path.</summary>
    string WriteKubeconfig(string folder);

    /// <summary>Creates or replaces an object. Single quotes may stand for double ones.</summary>
    Task ApplyAsync(string json);

    Task DeleteAsync(string kind, string space, string name);

    /// <summary>Stops serving; the objects stay.</summary>
    Task StopAsync();

    /// <summary>Serves again, at the same address.</summary>
    Task StartAsync();
}
