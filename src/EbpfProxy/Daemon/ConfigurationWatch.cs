using EbpfProxy.Options;

namespace EbpfProxy.Daemon;

/// <summary>
/// Ends the daemon when the configuration file has another content: whoever runs it starts it anew. The content is looked
/// at, by the path: the links of a ConfigMap volume are swapped, and a touch means nothing.
/// </summary>
internal sealed class ConfigurationWatch(ReadFile read, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private string? _before;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(_interval, time, stoppingToken);
            Look();
        }
    }

    /// <exception cref="InvalidOperationException">The file has had another content twice: an editor may be half done.</exception>
    internal void Look()
    {
        string? hash = HashNow();
        if (hash is not null && hash != read.Hash && hash == _before)
        {
            throw new InvalidOperationException("content of the proxy server's configuration file was updated");
        }

        _before = hash;
    }

    /// <summary>Null while there is no file that can be read: the daemon goes on with what it has.</summary>
    private string? HashNow()
    {
        try
        {
            return ReadFile.Of(read.Path, File.ReadAllText(read.Path)).Hash;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
