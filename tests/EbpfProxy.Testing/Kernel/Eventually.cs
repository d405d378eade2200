using System.Diagnostics;

namespace EbpfProxy.Testing.Kernel;

/// <summary>Waiting for what the kernel does in its own time, with a deadline.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Tries <paramref name="action"/> until it throws no <see cref="IOException"/>; the last one comes out at the deadline.</summary>
    public static void Succeeds(Action action, TimeSpan deadline)
    {
        IOException? failure = null;
        try
        {
            Holds(Attempt, deadline);
        }
        catch (TimeoutException) when (failure is not null)
        {
            throw failure;
        }

        bool Attempt()
        {
            try
            {
                action();
                return true;
            }
            catch (IOException exception)
            {
                failure = exception;
                return false;
            }
        }
    }

    /// <summary>Asks until <paramref name="condition"/> is true; a <see cref="TimeoutException"/> comes at the deadline.</summary>
    public static void Holds(Func<bool> condition, TimeSpan deadline)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > deadline)
            {
                throw new TimeoutException($"not true within {deadline}");
            }

            Thread.Sleep(Pause);
        }
    }
}
