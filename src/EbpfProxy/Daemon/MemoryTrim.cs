namespace EbpfProxy.Daemon;

/// <summary>Gives back what the first list needed: nothing later needs as much, and the collector would keep it.</summary>
internal sealed class MemoryTrim(Task firstSync) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await firstSync.WaitAsync(stoppingToken);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
