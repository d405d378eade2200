namespace EbpfProxy.Datapath.Kernel;

/// <summary>
/// Does several things that each wait for the kernel, for example until no program reads a map any more: a wait takes some
/// ten milliseconds, and all together take no longer than one.
/// </summary>
internal static class Together
{
    /// <exception cref="IOException">One of them failed; the others are done.</exception>
    public static void Run(params IReadOnlyCollection<Action> actions)
    {
        // Threads of their own: those of the pool are few, and would wait one after the other.
        var tasks = actions.Select(action => Task.Factory.StartNew(
            action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        Task.WhenAll(tasks).GetAwaiter().GetResult();
    }
}
