namespace EbpfProxy.Datapath.Kernel;

/// <summary>
/// For what the kernel may refuse, for want of memory say, and nothing else shall wait for: a refusal is told once, and it is
/// tried again after twice the time, up to a limit. Not thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="tell">Hears why, at the first refusal after a success.</param>
internal sealed class Retries(TimeProvider time, Action<string> tell)
{
    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(2);

    private TimeSpan _wait;
    private long _refused;

    /// <summary>The longest time until it is tried again.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether <see cref="Try"/> would try.</summary>
    public bool IsDue => _wait == TimeSpan.Zero || time.GetElapsedTime(_refused) >= _wait;

    /// <summary>Does it, where it is due.</summary>
    public void Try(Action action)
    {
        if (!IsDue)
        {
            return;
        }

        try
        {
            action();
            _wait = TimeSpan.Zero;
        }
        catch (IOException e)
        {
            bool isFirst = _wait == TimeSpan.Zero;
            _wait = isFirst ? _shortest : _wait * 2 < Longest ? _wait * 2 : Longest;
            _refused = time.GetTimestamp();
            if (isFirst)
            {
                tell(e.Message);
            }
        }
    }
}
