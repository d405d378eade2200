namespace EbpfProxy.Daemon;

/// <summary>
/// Lets a part run from before the host starts, so that what takes long is under way together: objects are read while the
/// kernel looks at the programs. To the host it is a part like others, whose failure ends the daemon.
/// </summary>
internal sealed class HeadStart(BackgroundService part) : BackgroundService
{
    /// <summary>The part that runs.</summary>
    public BackgroundService Part => part;

    /// <summary>Starts the part; to be called before the host starts.</summary>
    public Task BeginAsync(CancellationToken token) => part.StartAsync(token);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await part.StopAsync(cancellationToken);
        await base.StopAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => part.ExecuteTask ?? Task.CompletedTask;
}
