using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Manifests;
using EbpfProxy.Controller.Tests.Cache;
using EbpfProxy.Controller.Tests.Objects;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Tests.Manifests;

/// <summary>A folder of manifests that is followed.</summary>
public abstract class ManifestStage : IAsyncDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    private protected ManifestStage()
    {
        Source = new ManifestSource(Folder, "n1", Cache, Faults, TimeProvider.System, Lines);
    }

    private protected string Folder { get; } = Directory.CreateTempSubdirectory("ebpf-proxy-manifests-").FullName;

    private protected RecordedFaults Faults { get; } = new();

    private protected RecordedLog Lines { get; } = new();

    private protected ClusterCache Cache { get; } = new(new NoListener());

    private protected ManifestSource Source { get; }

    public async ValueTask DisposeAsync()
    {
        await Source.StopAsync(CancellationToken.None);
        Source.Dispose();
        Cache.Dispose();
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }

        GC.SuppressFinalize(this);
    }

    private protected static string ServiceYaml(string name, int port = 80) => $$"""
        apiVersion: v1
        kind: Service
        metadata:
          name: {{name}}
        spec:
          clusterIP: 10.96.0.1
          ports:
          - port: {{port}}
        """;

    private protected static string SliceYaml(string name, string service, params string[] addresses) => $$"""
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: {{name}}
          labels:
            kubernetes.io/service-name: {{service}}
        addressType: IPv4
        ports: [{port: 80}]
        endpoints:
        {{string.Join("\n", addresses.Select(a => $"- addresses: [{a}]"))}}
        """;

    private protected void Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private protected void Link(string name, string target) => File.CreateSymbolicLink(Path.Combine(Folder, name), target);

    private protected async Task StartAsync()
    {
        await Source.StartAsync(TestContext.Current.CancellationToken);
        await WaitAsync(() => Cache.IsSynced);
    }

    private protected async Task StartSyncedAsync()
    {
        await StartAsync();
        Cache.Take(everything: true);
    }

    private protected async Task<IReadOnlyList<DirtyService>> NextAsync()
    {
        IReadOnlyList<DirtyService> services = [];
        await WaitAsync(() => (services = Cache.Take(everything: false).Services).Count > 0);
        return services;
    }

    private protected static async Task WaitAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(_deadline);
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private protected sealed class RecordedLog : ILogger<ManifestSource>
    {
        private readonly List<LogLevel> _levels = [];

        public int Count(LogLevel level)
        {
            lock (_levels)
            {
                return _levels.Count(l => l == level);
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_levels)
            {
                _levels.Add(logLevel);
            }
        }
    }
}
