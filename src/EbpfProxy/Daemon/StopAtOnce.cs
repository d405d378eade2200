using System.Runtime.InteropServices;

namespace EbpfProxy.Daemon;

/// <summary>
/// Ends the process at the first signal, as kube-proxy does: programs and tables stay, and a write that is cut off is found
/// and finished at the next start. What cannot stay without a daemon is put away before.
/// </summary>
internal sealed class StopAtOnce(ILogger<StopAtOnce> logger) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _signals = [];
    private volatile Action _before = () => { };

    /// <summary>Says what is to be done before the end; it is done on a thread of its own.</summary>
    public void Before(Action last) => _before = last;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop));
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _signals.ForEach(signal => signal.Dispose());

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        Log.Stopped(logger);
        _before();
        Environment.Exit(0);
    }
}
