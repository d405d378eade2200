using System.Diagnostics;
using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>Hears of changes to the rules of nftables.</summary>
public static class RuleWatcher
{
    /// <summary>There once the kernel can tell of rules, where a module does. Before that there are none.</summary>
    private const string Module = "/sys/module/nfnetlink";

    /// <summary>Somebody may change rules without a pause, and have tens of thousands of chains: most of the time nobody looks at them.</summary>
    private const int RestsPerLook = 4;

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    /// <summary>Calls <paramref name="changed"/> now and after each change. Where the kernel refuses to tell, it calls nobody.</summary>
    public static async Task RunAsync(Action changed, CancellationToken token)
    {
        using var events = await ListenAsync(changed, token);
        changed();
        while (events is not null)
        {
            await events.WaitForChangeAsync(token);
            long begun = Stopwatch.GetTimestamp();
            changed();
            await Task.Delay(Stopwatch.GetElapsedTime(begun) * RestsPerLook, token);
        }

        await Task.Delay(Timeout.Infinite, token);
    }

    private static async Task<NetlinkSocket?> ListenAsync(Action changed, CancellationToken token)
    {
        try
        {
            NetlinkSocket? events;
            while ((events = NetlinkSocket.TryOpenNetfilter(Nftables.ChangesGroup)) is null)
            {
                changed();
                do
                {
                    await Task.Delay(_interval, token);
                }
                while (!Directory.Exists(Module));
            }

            return events;
        }
        catch (IOException)
        {
            // Nor can it be asked what rules there are: the reader of the rules says so.
            return null;
        }
    }
}
