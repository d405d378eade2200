namespace EbpfProxy.Testing.Kernel;

/// <summary>A cgroup of one's own below the cgroup v2 mount, removed with everything that runs in it.</summary>
public sealed class ScratchCgroup : IDisposable
{
    public ScratchCgroup()
    {
        Path = System.IO.Path.Combine(FindMount(), ScratchName.Next());
        Directory.CreateDirectory(Path);
    }

    /// <summary>The cgroup's folder.</summary>
    public string Path { get; }

    /// <summary>Runs a script in the cgroup, its words in <c>$1</c>, <c>$2</c> and so on.</summary>
    public ShellResult Run(string script, params IEnumerable<string> words)
        => Shell.Run("echo $$ > \"$1/cgroup.procs\" && shift && script=$1 && shift && eval \"$script\"", [Path, script, .. words]);

    public void Dispose()
    {
        string kill = System.IO.Path.Combine(Path, "cgroup.kill");
        if (File.Exists(kill))
        {
            File.WriteAllText(kill, "1");
        }

        // A process that was killed leaves its cgroup a moment later.
        Eventually.Succeeds(() => Directory.Delete(Path), TimeSpan.FromSeconds(10));
    }

    /// <summary>Where cgroup v2 is mounted: <c>/sys/fs/cgroup</c>, or beside version 1 somewhere below.</summary>
    public static string FindMount()
        => File.ReadLines("/proc/mounts").Select(line => line.Split(' ')).FirstOrDefault(fields => fields[2] == "cgroup2")?[1]
            ?? throw new InvalidOperationException("cgroup v2 is not mounted");
}
