namespace EbpfProxy.Datapath.Kernel;

/// <summary>How many files this process may have open: the links of a device are two, and a node has hundreds of devices.</summary>
public static class OpenFileLimit
{
    private const int Resource = 7; // RLIMIT_NOFILE of <sys/resource.h>

    /// <summary>
    /// Raises the soft limit, which container runtimes leave at 1024, to the hard one (getrlimit(2)): nothing here calls select(2),
    /// for which the soft one is. Returns the limit that there is then.
    /// </summary>
    public static ulong Raise()
    {
        Span<ulong> limit = stackalloc ulong[2];
        if (Libc.GetLimit(Resource, limit) < 0)
        {
            return 0;
        }

        if (limit[0] < limit[1])
        {
            _ = Libc.SetLimit(Resource, [limit[1], limit[1]]);
            _ = Libc.GetLimit(Resource, limit);
        }

        return limit[0];
    }
}
