using System.Runtime.InteropServices;

namespace EbpfProxy.Daemon;

/// <summary>
/// Ends the process at the first signal, as kube-proxy does: nothing has to be put away, since programs and tables stay
/// and a write that is cut off is found and finished at the next start.
/// </summary>
internal sealed class StopAtOnce(ILogger<StopAtOnce> logger) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _signals = [];

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
        Environment.Exit(0);
    }
}
