namespace EbpfProxy.Daemon;

/// <summary>How late the kernel ends this process where memory is short. A refusal is told and no more.</summary>
internal static class OutOfMemoryScore
{
    public static void Set(int adjustment, ILogger logger, string path = "/proc/self/oom_score_adj")
    {
        try
        {
            File.WriteAllText(path, $"{adjustment}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.OutOfMemoryScoreFailed(logger, adjustment, e);
        }
    }
}
