using System.Net;
using EbpfProxy.Controller.Objects;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// Follows one resource of the API: a full list first, then a watch that goes on from it. After a break it goes on from
/// the version that it has; a full list is asked for again only when the server no longer knows that version, or when
/// nothing comes of it though the server answers.
/// </summary>
internal sealed class Reflector(
    Resource resource, ApiClient client, bool streamsLists, IObjectFaults faults, ILogger log, TimeProvider time, Random random)
{
    /// <summary>How many watches in a row may come to nothing before the version is given up: half a minute of them or so.</summary>
    private const int MaxFruitless = 5;

    /// <summary>How often in a row a server may say that it does not have what it had: some ten minutes.</summary>
    private const int MaxAbsences = 20;

    /// <summary>A server does not get a resource while it runs; rights may come at any time.</summary>
    private static readonly TimeSpan _askAbsentAgain = TimeSpan.FromHours(1);
    private static readonly TimeSpan _askForbiddenAgain = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan _relistSpread = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _shortWatch = TimeSpan.FromSeconds(1);

    /// <summary>A watch that lasts as long has something of the server to show, if only its silence.</summary>
    private static readonly TimeSpan _longWatch = TimeSpan.FromMinutes(1);

    private readonly Backoff _backoff = new(time, random);
    private readonly ListRequest _list = new(resource, client, faults, time);
    private readonly WatchRequest _watch = new(resource, client, faults, log, time, random);
    private bool _streamsLists = streamsLists;
    private static readonly TimeSpan _longestRetryAfter = TimeSpan.FromMinutes(5);

    private bool _isAbsent;

    /// <summary>Whether there was a list since it was last counted as empty.</summary>
    private bool _wasListed;

    /// <summary>How often in a row the server said that it has no such resource, though it was listed.</summary>
    private int _absences;

    /// <summary>How often in a row the version of a list proved too old before anything was heard of it.</summary>
    private int _expirations;

    /// <summary>How many watches in a row came to nothing though the server answered.</summary>
    private int _fruitless;

    /// <summary>The newest version that was seen; null before the first list.</summary>
    private string? _newest;

    public WatchStatus Status => _watch.Status;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken token)
    {
        while (!token.IsCancellationRequested)
        {
            try
            {
                var delay = await TryFollowAsync(token);
                if (delay > TimeSpan.Zero)
                {
                    await Task.Delay(delay, time, token);
                }
            }
            catch (OperationCanceledException) when (token.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>One list or watch; how long to wait before the next.</summary>
    private async Task<TimeSpan> TryFollowAsync(CancellationToken token)
    {
        try
        {
            return await FollowAsync(token);
        }
        catch (ApiException error) when (error.IsAbsence && resource.IsOptional && (!_wasListed || _absences >= MaxAbsences))
        {
            return CountAsEmpty(error);
        }
        catch (ApiException error) when (error.IsExpired || error.IsAhead)
        {
            return Expire(error);
        }
        catch (ApiException error) when (error.IsRefusal && resource.PlainSelector is { } plain && resource.Selector != plain)
        {
            Log.SelectorRefused(log, resource.Name, error.Message);
            resource.Selector = plain;
            return TimeSpan.Zero;
        }
        catch (Exception error) when (error is not OperationCanceledException || !token.IsCancellationRequested)
        {
            // Whatever it is: a watch that ended here would be missed by nobody.
            CountFruitless(isAnswered: error is ApiException answer ? !answer.IsPassing : _watch.HasBegun);

            // What was listed is not given up at once: a server that has just started may refuse for a moment.
            _absences += error is ApiException { IsAbsence: true } ? 1 : 0;
            return Fail(KindOf(error), Reason(error), (error as ApiException)?.RetryAfter);
        }
    }

    private async Task<TimeSpan> FollowAsync(CancellationToken token)
    {
        if (_watch.Version is null)
        {
            if (_streamsLists)
            {
                return await StreamListAsync(token);
            }

            await ListAsync(token);
        }

        return await WatchAsync(token);
    }

    private async Task<TimeSpan> StreamListAsync(CancellationToken token)
    {
        try
        {
            bool isComplete = await _watch.StreamListAsync(_expirations > 1 ? null : _newest, token);
            _streamsLists = isComplete;
            if (isComplete)
            {
                return AfterWatch();
            }

            Log.StreamedListRefused(log, resource.Name, "no end of the list was announced");
        }
        catch (ApiException error) when (error.IsRefusal)
        {
            _streamsLists = false;
            Log.StreamedListRefused(log, resource.Name, error.Message);
        }

        return TimeSpan.Zero;
    }

    private async Task ListAsync(CancellationToken token)
    {
        long begin = time.GetTimestamp();
        string version = _expirations > 1 ? "" : _newest ?? "0";
        var (count, listed) = await _list.RunAsync(version, token);
        _watch.Version = listed;
        Status.Listed(time.GetUtcNow());
        MarkListed();
        Log.Listed(log, count, resource.Name, listed, (long)time.GetElapsedTime(begin).TotalMilliseconds);
    }

    private async Task<TimeSpan> WatchAsync(CancellationToken token)
    {
        await _watch.RunAsync(token);
        return AfterWatch();
    }

    /// <summary>A watch that ends is asked for again at once, unless it was too short to be of use.</summary>
    private TimeSpan AfterWatch()
    {
        MarkListed();
        _newest = _watch.Version;
        if (_watch.Events > 0)
        {
            _expirations = 0;
        }

        if (_watch.Events == 0 && _watch.Duration < _shortWatch)
        {
            CountFruitless(isAnswered: true);
            return Fail(WatchErrorKind.Ended, "the watch ended at once", retryAfter: null);
        }

        _fruitless = 0;
        return TimeSpan.Zero;
    }

    /// <summary>
    /// Gives up a version that the server will not watch from, whatever it says of it. A server that is away or busy
    /// says nothing of the version: then a full list by every node is the last thing that helps.
    /// </summary>
    private void CountFruitless(bool isAnswered)
    {
        if (_watch.Version is not { } version)
        {
            return;
        }

        if (_watch.Events > 0 || _watch.Duration > _longWatch)
        {
            _fruitless = 0;
        }
        else if (isAnswered && ++_fruitless >= MaxFruitless)
        {
            Log.VersionGivenUp(log, _fruitless, resource.Name, version);
            (_fruitless, _watch.Version) = (0, null);

            // Not even a list that is at least as new: the version may be one that only another server could know.
            _expirations = 2;
        }
    }

    private TimeSpan Fail(WatchErrorKind kind, string error, TimeSpan? retryAfter)
    {
        var delay = _backoff.Next();
        if (retryAfter is { } wanted && wanted > TimeSpan.Zero)
        {
            wanted = wanted < _longestRetryAfter ? wanted : _longestRetryAfter;
            delay = wanted + _backoff.Spread(wanted / 2 + TimeSpan.FromSeconds(1));
        }

        Status.Failed(kind, error);
        Log.Failed(log, resource.Name, error, delay.TotalSeconds);
        return delay;
    }

    private TimeSpan Expire(ApiException error)
    {
        _expirations = _watch.Events > 0 ? 1 : _expirations + 1;
        if (error.IsAhead)
        {
            _expirations = 2;
        }

        _newest = _watch.Version ?? _newest;
        _watch.Version = null;
        var delay = _expirations > 1 ? _backoff.Next() : _backoff.Spread(_relistSpread);
        Status.Failed(WatchErrorKind.Expired, error.Message);
        Log.Expired(log, resource.Name, _newest ?? "", delay.TotalSeconds);
        return delay;
    }

    private TimeSpan CountAsEmpty(ApiException error)
    {
        if (!_isAbsent)
        {
            _isAbsent = true;
            Log.ResourceAbsent(log, resource.Name, error.Message);
        }

        (_watch.Version, _wasListed, _absences) = (null, false, 0);
        resource.BeginList();
        resource.CompleteList();
        Status.Absent(time.GetUtcNow());
        var wait = error.Status == HttpStatusCode.Forbidden ? _askForbiddenAgain : _askAbsentAgain;
        return wait + _backoff.Spread(wait / 10);
    }

    private void MarkListed() => (_isAbsent, _wasListed, _absences) = (false, true, 0);

    private static WatchErrorKind KindOf(Exception error) => error switch
    {
        ApiException => WatchErrorKind.Status,
        TimeoutException => WatchErrorKind.Timeout,
        HttpRequestException => WatchErrorKind.Connection,
        _ => WatchErrorKind.Stream,
    };

    /// <summary>The innermost reason, which is the one that says something: a certificate's name, a refused connection.</summary>
    private static string Reason(Exception error)
    {
        string reason = error.Message;
        for (var inner = error.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (!reason.Contains(inner.Message, StringComparison.Ordinal))
            {
                reason = $"{reason} {inner.Message}";
            }
        }

        return reason;
    }
}
