namespace EbpfProxy.Controller.Kubernetes;

/// <summary>What one watch has done and how it stands, for metrics and health. May be read from any thread.</summary>
public sealed class WatchStatus(string resource, DateTimeOffset begin)
{
    private readonly Lock _lock = new();
    private readonly long[] _errors = new long[Enum.GetValues<WatchErrorKind>().Length];
    private long _lists;
    private long _watches;
    private long _events;
    private bool _isSynced;
    private bool _isAbsent;
    private string? _lastError;
    private DateTimeOffset? _lastEvent;
    private DateTimeOffset? _lastContact;

    /// <summary>The resource, as in "endpointslices".</summary>
    public string Resource { get; } = resource;

    /// <summary>Whether a first list was complete.</summary>
    public bool IsSynced => Read(ref _isSynced);

    /// <summary>Full lists that were complete, by list or by stream.</summary>
    public long Lists => Read(ref _lists);

    public long Watches => Read(ref _watches);

    /// <summary>Changes that arrived, bookmarks not counted.</summary>
    public long Events => Read(ref _events);

    /// <summary>Requests that failed and streams that broke.</summary>
    public long Errors
    {
        get
        {
            lock (_lock)
            {
                return _errors.Sum() - _errors[(int)WatchErrorKind.Event];
            }
        }
    }

    /// <summary>Events that were too long or made no sense.</summary>
    public long Skipped => ErrorsOf(WatchErrorKind.Event);

    /// <summary>What went wrong last; null while all is well.</summary>
    public string? LastError => Read(ref _lastError);

    public DateTimeOffset? LastEvent => Read(ref _lastEvent);

    /// <summary>When the server was last heard of: a list, a change or a bookmark.</summary>
    public DateTimeOffset? LastContact => Read(ref _lastContact);

    public long ErrorsOf(WatchErrorKind kind) => Read(ref _errors[(int)kind]);

    /// <summary>
    /// How long nothing was heard of the server; from the start on where nothing ever was. None where the server has no such
    /// resource: there is nothing to hear.
    /// </summary>
    public TimeSpan Age(DateTimeOffset now) => Read(ref _isAbsent) ? TimeSpan.Zero : now - (LastContact ?? begin);

    internal void Listed(DateTimeOffset now)
    {
        lock (_lock)
        {
            _lists++;
            _isSynced = true;
            Contact(now);
        }
    }

    /// <summary>The server said that it has no such resource, which counts as a list of none.</summary>
    internal void Absent(DateTimeOffset now)
    {
        lock (_lock)
        {
            Listed(now);
            _isAbsent = true;
        }
    }

    internal void WatchBegun(DateTimeOffset now)
    {
        lock (_lock)
        {
            _watches++;
            Contact(now);
        }
    }

    internal void Changed(DateTimeOffset now)
    {
        lock (_lock)
        {
            _events++;
            _lastEvent = now;
            _lastContact = now;
        }
    }

    internal void Heard(DateTimeOffset now)
    {
        lock (_lock)
        {
            _lastContact = now;
        }
    }

    internal void SkippedEvent()
    {
        lock (_lock)
        {
            _errors[(int)WatchErrorKind.Event]++;
        }
    }

    internal void Failed(WatchErrorKind kind, string error)
    {
        lock (_lock)
        {
            _errors[(int)kind]++;
            _lastError = error;
        }
    }

    private void Contact(DateTimeOffset now)
    {
        _lastContact = now;
        _lastError = null;
        _isAbsent = false;
    }

    private T Read<T>(ref T field)
    {
        lock (_lock)
        {
            return field;
        }
    }
}
