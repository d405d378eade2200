using EbpfProxy.Datapath.Sync;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>
/// Grace periods by way of a map of maps: the kernel returns from a write to one only when the programs that were
/// running have ended (kernel/bpf/syscall.c, since 4.20). A thread of its own waits, so that a writer need not.
/// </summary>
internal sealed class GracePeriods : IGracePeriods, IDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _requests = new(0);
    private readonly ManualResetEventSlim _progress = new();
    private readonly BpfMap _inner;
    private readonly BpfMapArray _outer;
    private readonly Thread _thread;
    private long _requested;
    private long _over;
    private volatile bool _isStopping;

    public GracePeriods()
    {
        _inner = BpfMap.Create(new BpfMapOptions
        {
            Name = "grace_inner",
            Type = BpfMapType.Array,
            KeySize = 4,
            ValueSize = 4,
            MaxEntries = 1,
        });
        _outer = new BpfMapArray(BpfMap.Create(new BpfMapOptions
        {
            Name = "grace",
            Type = BpfMapType.ArrayOfMaps,
            KeySize = 4,
            ValueSize = 4,
            MaxEntries = 1,
            InnerMap = _inner,
        }));
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
        _outer.Map.Dispose();
        _inner.Dispose();
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
                _outer.Set(0, _inner);
                Volatile.Write(ref _over, ticket);
                _progress.Set();
            }
        }
    }
}
