namespace EbpfProxy.Daemon;

/// <summary>
/// Leaves a note of how the daemon does, for `status`: looks once a second, apart from the changes, and writes where there
/// is something new; at once when the daemon becomes ready, lest `status` say otherwise for the rest of that second.
/// </summary>
/// <param name="look">What is to be told now.</param>
/// <param name="write">Leaves it.</param>
/// <param name="firstSync">Completes when the maps hold every service for the first time.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where a refusal is told.</param>
internal sealed class NoteWriter(Func<DaemonNote> look, Action<string> write, Task firstSync, TimeProvider time, ILogger logger) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private string _written = "";
    private bool _isFailing;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            bool isBefore = !firstSync.IsCompleted;
            Write(look().ToText());
            var next = Task.Delay(_interval, time, stoppingToken);
            await (isBefore ? await Task.WhenAny(next, firstSync) : next);
        }
    }

    private void Write(string text)
    {
        if (text == _written)
        {
            return;
        }

        try
        {
            write(text);
            _written = text;
            _isFailing = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nobody's traffic depends on it.
            if (!_isFailing)
            {
                Log.NoteFailed(logger, e);
            }

            _isFailing = true;
        }
    }
}
