using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Manifests;

/// <summary>
/// Tells when something happened in a folder. A writer that truncates a file and fills it is waited for: a change counts
/// when the folder has been quiet for a moment.
/// </summary>
internal sealed class FolderWatcher(string folder, TimeSpan rescan, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan _quiet = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(5);

    private readonly Channel<bool> _events = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private FileSystemWatcher? _watcher;
    private bool _isReported;

    /// <summary>Begins to watch. Where that is not possible, only looking again and again is left, and it is tried again then.</summary>
    public void Start()
    {
        if (_watcher is not null)
        {
            return;
        }

        try
        {
            // The links that a ConfigMap volume swaps begin with two dots; all names are watched for them.
            var watcher = new FileSystemWatcher(folder)
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            watcher.Changed += (_, e) => Signal(e.Name);
            watcher.Created += (_, e) => Signal(e.Name);
            watcher.Deleted += (_, e) => Signal(e.Name);
            watcher.Renamed += (_, e) => Signal(e.Name, e.OldName);
            watcher.Error += (_, _) => OnError(watcher);
            watcher.EnableRaisingEvents = true;
            _watcher = watcher;
            _isReported = false;
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            Report(e.Message);
        }
    }

    /// <summary>Waits for the next change, or for the time to look again. Returns whether there was a change.</summary>
    public async Task<bool> WaitAsync(CancellationToken token)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(token);
        using var limit = time.CreateTimer(_ => timer.Cancel(), null, rescan, Timeout.InfiniteTimeSpan);
        try
        {
            await _events.Reader.ReadAsync(timer.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return false;
        }

        long start = time.GetTimestamp();
        do
        {
            await Task.Delay(_quiet, time, token).ConfigureAwait(false);
        }
        while (_events.Reader.TryRead(out _) && time.GetElapsedTime(start) < _longestWait);

        return true;
    }

    public void Dispose() => _watcher?.Dispose();

    private void Signal(params ReadOnlySpan<string?> names)
    {
        foreach (string? name in names)
        {
            if (name is null || ManifestFolder.IsManifest(name) || name.StartsWith("..", StringComparison.Ordinal))
            {
                _events.Writer.TryWrite(true);
            }
        }
    }

    private void OnError(FileSystemWatcher watcher)
    {
        // Events were lost, or the folder is gone: look at everything, and watch anew what stands there then.
        watcher.Dispose();
        Interlocked.CompareExchange(ref _watcher, null, watcher);
        _events.Writer.TryWrite(true);
    }

    private void Report(string reason)
    {
        if (!_isReported)
        {
            Log.NotWatched(logger, folder, rescan.TotalSeconds, reason);
            _isReported = true;
        }
    }
}
