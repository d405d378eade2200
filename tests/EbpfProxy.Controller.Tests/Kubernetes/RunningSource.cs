using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Controller.Tests.Objects;
using EbpfProxy.Testing.ApiServer;
using Prometheus;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>A source that runs, with everything that it says kept.</summary>
internal sealed class RunningSource : IAsyncDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    public RunningSource(KubernetesOptions options, QuickTime? time = null, int seed = 1)
    {
        Time = time ?? new QuickTime();
        Source = new KubernetesSource(options, Sink, Faults, Registry, Log, Time, new Random(seed));
        _run = Source.RunAsync(_stop.Token);
    }

    public KubernetesSource Source { get; }

    public QuickTime Time { get; }

    public RecordingSink Sink { get; } = new();

    public CollectorRegistry Registry { get; } = Metrics.NewCustomRegistry();

    public RecordedFaults Faults { get; } = new();

    public RecordingLog Log { get; } = new();

    public static KubernetesOptions Options(params IReadOnlyList<Uri> masters) =>
        new() { NodeName = "node-a", Masters = masters, InClusterServer = null, Qps = 0 };

    public static RunningSource At(KubernetesApiServer server, QuickTime? time = null) => new(Options(server.Address), time);

    public WatchStatus Watch(string resource) => Source.Watches.Single(watch => watch.Resource == resource);

    public Task WaitForSyncAsync() => WaitAsync(() => Sink.IsComplete && Source.Watches.All(watch => watch.IsSynced));

    /// <summary>Waits until every watch runs, so that what happens next reaches it as a change.</summary>
    public Task WaitForWatchesAsync() => WaitAsync(() => Sink.IsComplete && Source.Watches.All(watch => watch.Watches > 0 || watch.Resource == "servicecidrs"));

    public async Task WaitAsync(Func<bool> condition)
    {
        long begin = Environment.TickCount64;
        while (!condition())
        {
            if (_run.IsCompleted)
            {
                await _run;
            }

            if (Environment.TickCount64 - begin > _deadline.TotalMilliseconds)
            {
                Assert.Fail($"Waited in vain. Services: {Sink.Services}. Slices: {Sink.Slices}. Log:\n"
                    + string.Join('\n', Log.Lines.TakeLast(30).Select(line => line.Text)));
            }

            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        Source.Dispose();
        _stop.Dispose();
    }
}
