using EbpfProxy.Datapath.Sync;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>Grace periods of the kernel. A thread of its own waits for them, so that a writer need not.</summary>
internal sealed class GracePeriods : IGracePeriods, IDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _requests = new(0);
    private readonly ManualResetEventSlim _progress = new();
    private readonly BpfGracePeriod _gracePeriod = new();
    private readonly Thread _thread;
    private long _requested;
    private long _over;
    private volatile bool _isStopping;

    public GracePeriods()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "grace periods" };
        _thread.Start();
    }

    public long Request()
    {
        long ticket;
        lock (_lock)
        {
            ticket = ++_requested;
        }

        _requests.Release();
        return ticket;
    }

    public bool IsOver(long ticket) => Volatile.Read(ref _over) >= ticket;

    public void Wait(long ticket)
    {
        while (!IsOver(ticket))
        {
            _progress.Reset();
            if (!IsOver(ticket))
            {
                _progress.Wait();
            }
        }
    }

    public void Dispose()
    {
        _isStopping = true;
        _requests.Release();
        _thread.Join();
        _gracePeriod.Dispose();
        _requests.Dispose();
        _progress.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            _requests.Wait();
            if (_isStopping)
            {
                return;
            }

            long ticket;
            lock (_lock)
            {
                ticket = _requested;
            }

            if (!IsOver(ticket))
            {
                _gracePeriod.Wait();
                Volatile.Write(ref _over, ticket);
                _progress.Set();
            }
        }
    }
}
