namespace EbpfProxy.Daemon;

/// <summary>
/// Leaves a note of how the daemon does, for `status`: looks once a second, apart from the changes, and writes where there
/// is something new.
/// </summary>
internal sealed class NoteWriter(Func<DaemonNote> look, Action<string> write, TimeProvider time, ILogger logger) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private string _written = "";
    private bool _isFailing;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            Write(look().ToText());
            await Task.Delay(_interval, time, stoppingToken);
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
