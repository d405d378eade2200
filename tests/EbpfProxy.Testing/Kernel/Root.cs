namespace EbpfProxy.Testing.Kernel;

/// <summary>Whether tests that need root can run, and whether they may be left out.</summary>
internal static class Root
{
    /// <summary>Why this process cannot run such tests; null if it can, or must fail at them.</summary>
    public static string? ReasonToSkip => Environment.IsPrivilegedProcess || IsDemanded ? null : "needs root: sudo make test";

    public static IReadOnlyCollection<KeyValuePair<string, string>> Traits { get; } = [new("Category", "Kernel")];

    // On a build server nothing may be skipped.
    private static bool IsDemanded => string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
}
