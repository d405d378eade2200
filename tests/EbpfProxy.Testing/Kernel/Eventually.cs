using System.Diagnostics;

namespace EbpfProxy.Testing.Kernel;

/// <summary>Waiting for what the kernel does in its own time, with a deadline.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Tries <paramref name="action"/> until it throws no <see cref="IOException"/>; the last one comes out at the deadline.</summary>
    public static void Succeeds(Action action, TimeSpan deadline)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                action();
                return;
            }
            catch (IOException) when (clock.Elapsed < deadline)
            {
                Thread.Sleep(Pause);
            }
        }
    }
}
