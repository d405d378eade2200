namespace EbpfProxy.EndToEnd.Tests.KubeProxy;

/// <summary>Kills a program right after one of its calls to netlink, or to the tables of iptables: see KubeProxy/cut.c.</summary>
internal static class CutShort
{
    /// <summary>What a shell makes of SIGKILL.</summary>
    public const int ExitCode = 128 + 9;

    /// <summary>What to put before a command.</summary>
    /// <param name="calls">After how many of its calls.</param>
    public static string[] After(int calls) =>
        ["env", $"LD_PRELOAD={Path.Combine(AppContext.BaseDirectory, "cut.so")}", $"CUT_AFTER={calls}"];
}
