namespace EbpfProxy.Testing.Kernel;

/// <summary>Whether tests that need root can run, and whether they may be left out.</summary>
public static class Root
{
    /// <summary>On a build server nothing may be skipped.</summary>
    public static bool IsDemanded => string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
}
