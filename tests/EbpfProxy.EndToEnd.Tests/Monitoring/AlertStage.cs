using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>
/// A node whose daemon follows an API server, in the sight of a Prometheus whose times are short (<see cref="AlertRules.Hurried"/>).
/// The API server sends bookmarks several times a second, so that what counts as long without one is a few seconds. Programs are
/// attached by clsact on every kernel: that a device can refuse.
/// </summary>
internal sealed class AlertStage : IAsyncDisposable
{
    private const string Absent = "EbpfProxyAbsent";

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _bookmarkInterval = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _end = new();
    private readonly HashSet<string> _fired = [];
    private readonly string _kubeconfig;
    private readonly Task _bookmarks;
    private volatile bool _isSilent;

    private AlertStage(TestNode node, KubernetesApiServer server)
    {
        Node = node;
        Server = server;
        _kubeconfig = new Kubeconfig { Server = server.Address }.Write(Path.Combine(node.Manifests.Path, "kubeconfig"));
        Prometheus = new PrometheusServer(node, AlertRules.Hurried);
        _bookmarks = SendBookmarksAsync();
    }

    public TestNode Node { get; }

    public KubernetesApiServer Server { get; }

    public PrometheusServer Prometheus { get; }

    public NodeProxy? Proxy { get; private set; }

    /// <summary>Whether the API server keeps its connections open and says nothing.</summary>
    public bool IsSilent
    {
        set => _isSilent = value;
    }

    /// <summary>The alerts that were seen firing.</summary>
    public IEnumerable<string> Fired => _fired.Order(StringComparer.Ordinal);

    public static async Task<AlertStage> StartAsync()
    {
        var node = new TestNode { Binary = BinaryWithoutTcx.Path };
        return new AlertStage(node, await KubernetesApiServer.StartAsync(new() { Namespace = node.Network }));
    }

    /// <summary>Creates or replaces services at the API server.</summary>
    public void Apply(params IEnumerable<ManifestService> services)
    {
        foreach (var service in services)
        {
            Server.Apply(service.ServiceJson());
            Server.Apply(service.SliceJson());
        }
    }

    /// <summary>Starts the daemon; what ran before is killed.</summary>
    public void Start(params IEnumerable<string> flags)
    {
        Proxy?.Dispose();
        Proxy = new NodeProxy(Node, ["--kubeconfig", _kubeconfig, "--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48", .. flags]);
    }

    /// <summary>Waits for a daemon that is ready, and says that no alert is firing or pending for as long as Prometheus asks it so often.</summary>
    public void AssertQuiet(int scrapes)
    {
        Eventually.Succeeds(RequireReady, _deadline);
        Eventually.Succeeds(() => Require(raised => raised.Count == 0, "there are alerts"), _deadline);
        double enough = Prometheus.Value("sum_over_time(up[5m])") + scrapes;
        Eventually.Holds(
            () =>
            {
                Assert.Empty(Prometheus.Alerts());
                return Prometheus.Value("sum_over_time(up[5m])") >= enough;
            },
            _deadline);
    }

    /// <summary>
    /// Waits until each of the alerts has fired with the name of the node, not all at one time, and makes their fault again meanwhile
    /// where once is not enough.
    /// </summary>
    public void WaitForFiring(IReadOnlyList<string> alerts, Action? again = null)
    {
        var missing = alerts.ToHashSet();
        Eventually.Succeeds(
            () =>
            {
                again?.Invoke();
                Require(
                    raised =>
                    {
                        missing.RemoveWhere(alert => raised.Contains(new RaisedAlert(alert, "firing", alert == Absent ? "" : Node.Name)));
                        return missing.Count == 0;
                    },
                    $"{string.Join(", ", missing)} did not fire");
            },
            _deadline);
        _fired.UnionWith(alerts);
    }

    /// <summary>Waits until alerts are neither firing nor pending.</summary>
    public void WaitForEnd(params IReadOnlyList<string> alerts) => Eventually.Succeeds(
        () => Require(raised => !raised.Any(one => alerts.Contains(one.Name)), $"not all of {string.Join(", ", alerts)} have ended"), _deadline);

    /// <summary>Says that alerts are neither firing nor pending: their fault is still to be made.</summary>
    public void AssertQuiet(params IReadOnlyList<string> alerts) =>
        Assert.DoesNotContain(Prometheus.Alerts(), raised => alerts.Contains(raised.Name));

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _bookmarks;
        Proxy?.Dispose();
        Prometheus.Dispose();
        await Server.DisposeAsync();
        Node.Dispose();
        _end.Dispose();
    }

    private void RequireReady()
    {
        // Prometheus may be on its way, too.
        if (Prometheus.Count("up == 1 unless on () ebpf_proxy_not_ready == 1") != 1)
        {
            throw new IOException("the daemon is not ready, or not scraped");
        }
    }

    private void Require(Func<IReadOnlyList<RaisedAlert>, bool> holds, string otherwise)
    {
        var raised = Prometheus.Alerts();
        if (!holds(raised))
        {
            throw new IOException($"{otherwise}; there are\n{string.Join('\n', raised)}\nand the daemon says\n{string.Join('\n', Proxy!.Log.TakeLast(20))}");
        }
    }

    private async Task SendBookmarksAsync()
    {
        using var timer = new PeriodicTimer(_bookmarkInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token))
            {
                if (!_isSilent)
                {
                    Server.SendBookmarks();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
    }
}
