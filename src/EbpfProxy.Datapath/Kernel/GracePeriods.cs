using EbpfProxy.Datapath.Sync;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>Grace periods of the kernel. A thread of its own waits for them, so that a writer need not.</summary>
internal sealed class GracePeriods : IGracePeriods, IDisposable
{
    private readonly object _progress = new();
    private readonly SemaphoreSlim _requests = new(0);
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
        lock (_progress)
        {
            ticket = ++_requested;
        }

        _requests.Release();
        return ticket;
    }

    public bool IsOver(long ticket) => Volatile.Read(ref _over) >= ticket;

    public void Wait(long ticket)
    {
        // Several threads wait at once, each for its own ticket.
        lock (_progress)
        {
            while (_over < ticket)
            {
                Monitor.Wait(_progress);
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
            lock (_progress)
            {
                ticket = _requested;
            }

            if (!IsOver(ticket))
            {
                _gracePeriod.Wait();
                lock (_progress)
                {
                    Volatile.Write(ref _over, ticket);
                    Monitor.PulseAll(_progress);
                }
            }
        }
    }
}
