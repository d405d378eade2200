using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Kernel;

namespace EbpfProxy.Daemon;

/// <summary>
/// Gives back what was needed for a while and is free again: after the first list, which needs more than all that follows,
/// and after changes, once there was none for some time. The collectors of neither heap do it by themselves. It stops the
/// process for a moment, so never while changes come.
/// </summary>
/// <param name="firstSync">Completes when the first list is applied.</param>
/// <param name="lastSync">When a change was last applied.</param>
/// <param name="time">The clock.</param>
/// <param name="trim">Gives back what is free.</param>
internal sealed class MemoryTrim(Task firstSync, Func<DateTimeOffset?> lastSync, TimeProvider time, Action trim) : BackgroundService
{
    private static readonly TimeSpan _quiet = TimeSpan.FromSeconds(30);

    public static void TrimAll(ServiceDatapath datapath)
    {
        datapath.ReleaseMemory();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        NativeHeap.Trim();
        ProgramPages.Release();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await firstSync.WaitAsync(stoppingToken);
        var trimmed = lastSync();
        trim();
        var seen = trimmed;
        while (true)
        {
            await Task.Delay(_quiet, time, stoppingToken);
            var last = lastSync();
            if (last == seen && last != trimmed)
            {
                trimmed = last;
                trim();
            }

            seen = last;
        }
    }
}
