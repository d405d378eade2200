namespace EbpfProxy.Datapath.Conntrack;

/// <summary>The kernel's connection tracking as a whole.</summary>
public static class ConnectionTracking
{
    /// <summary>
    /// Lets the kernel load it where it is a module and nobody has wanted it yet: its settings and what programs ask it by come
    /// with it. It tracks nothing before somebody's rules want that.
    /// </summary>
    public static void Load()
    {
        if (ConntrackNetlink.IsThere)
        {
            return;
        }

        try
        {
            using var netlink = new ConntrackNetlink();
            netlink.ReadAll((in ConntrackFlow _) => { });
        }
        catch (IOException)
        {
            // The kernel has none: nothing here depends on it.
        }
    }
}
