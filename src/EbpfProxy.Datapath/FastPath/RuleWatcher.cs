using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>Hears of changes to the rules of nftables.</summary>
public static class RuleWatcher
{
    /// <summary>Calls <paramref name="changed"/> now and after each change. Where the kernel does not tell, it calls nobody.</summary>
    public static async Task RunAsync(Action changed, CancellationToken token)
    {
        using var events = TryListen();
        changed();
        while (events is not null)
        {
            await events.WaitForChangeAsync(token);
            changed();
        }

        await Task.Delay(Timeout.Infinite, token);
    }

    private static NetlinkSocket? TryListen()
    {
        try
        {
            return new NetlinkSocket(Nftables.ChangesGroup, protocol: NetlinkSocket.Netfilter);
        }
        catch (IOException)
        {
            // Nor can it be asked what rules there are: the reader of the rules says so.
            return null;
        }
    }
}
