using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Conntrack;

/// <summary>
/// Keeps the table of tracked flows, for programs that cannot ask connection tracking (before kernel 5.18). It looks through
/// all entries now and then, and in between hears of what comes and goes, as long as there is something in the table: who
/// has taken kube-proxy's place need listen no more once its last flow has ended.
/// </summary>
internal sealed class ConntrackFollower(TrackedTable table, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan _lookInterval = TimeSpan.FromMinutes(1);

    /// <summary>Where events are lost all the time, all entries are read no more often than this.</summary>
    private static readonly TimeSpan _shortestInterval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConntrackEvents? _events;
    private bool _isFailing;
    private (int Rows, int LeftOut) _fill;

    /// <summary>How many packets are known to be translated, and how many had no place.</summary>
    public (int Rows, int LeftOut) Fill
    {
        get
        {
            lock (_lock)
            {
                return _fill;
            }
        }
    }

    /// <summary>Whether events are listened to.</summary>
    internal bool IsListening
    {
        get
        {
            lock (_lock)
            {
                return _events is not null;
            }
        }
    }

    /// <summary>Fills the table, before the programs ask it.</summary>
    public void Start()
    {
        Look(isFirst: true);
        _started.TrySetResult();
    }

    /// <summary>Follows what changes from the start on.</summary>
    public async Task RunAsync(CancellationToken token)
    {
        await _started.Task.WaitAsync(token).ConfigureAwait(false);
        while (true)
        {
            bool areAll = await FollowAsync(token).ConfigureAwait(false);
            if (!areAll)
            {
                await Task.Delay(_shortestInterval, time, token).ConfigureAwait(false);
            }

            Look(isFirst: false);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            StopListening();
        }
    }

    /// <summary>Looks through all entries. Events are queued before, so that none is missed.</summary>
    internal void Look(bool isFirst)
    {
        lock (_lock)
        {
            try
            {
                table.BeginLook();

                // At the start flows may still begin that the programs will be asked for.
                bool hasEntries = ConntrackNetlink.HasEntries();
                if (hasEntries || (isFirst && ConntrackNetlink.IsThere))
                {
                    _events ??= new ConntrackEvents();
                }

                if (hasEntries)
                {
                    using var netlink = new ConntrackNetlink();
                    netlink.ReadAll(table.Keep);
                }

                table.EndLook();
                if (table.Count == 0 && !isFirst)
                {
                    StopListening();
                }

                Report(isFirst);
            }
            catch (IOException e)
            {
                if (!_isFailing)
                {
                    Log.ConntrackNotFollowed(logger, e.Message);
                }

                _isFailing = true;
                StopListening();
            }
        }
    }

    /// <summary>Heeds events until it is time to look; false if some were lost.</summary>
    private async Task<bool> FollowAsync(CancellationToken token)
    {
        if (_events is not { } events)
        {
            await Task.Delay(_lookInterval, time, token).ConfigureAwait(false);
            return true;
        }

        using var timeIsUp = new CancellationTokenSource(_lookInterval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(token, timeIsUp.Token);
        try
        {
            while (await events.ReadAsync(Keep, Remove, either.Token).ConfigureAwait(false))
            {
            }

            return false;
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return true;
        }
    }

    private void Keep(in ConntrackFlow flow)
    {
        lock (_lock)
        {
            table.Keep(flow);
            _fill = (table.Count, table.LeftOut);
        }
    }

    private void Remove(in ConntrackFlow flow)
    {
        lock (_lock)
        {
            table.Remove(flow);
            _fill = (table.Count, table.LeftOut);
        }
    }

    private void Report(bool isFirst)
    {
        if (_isFailing)
        {
            Log.ConntrackFollowed(logger);
            _isFailing = false;
        }

        if (isFirst)
        {
            Log.TrackedFlows(logger, table.Count);
        }

        if (table.LeftOut > 0 && _fill.LeftOut == 0)
        {
            Log.TrackedFlowsLeftOut(logger, table.LeftOut);
        }

        _fill = (table.Count, table.LeftOut);
    }

    private void StopListening()
    {
        _events?.Dispose();
        _events = null;
    }
}
