using System.CommandLine;
using System.Net;
using EbpfProxy.Datapath.View;
using EbpfProxy.Options;
using EbpfProxy.Support;

namespace EbpfProxy.Commands;

/// <summary>`bugreport`: one archive of what somebody needs who is to help.</summary>
internal static class BugreportCommand
{
    private const string Help =
        """
        Write one archive of what somebody needs who is to help

        Versions, what the kernel offers, status, maps, services, connections, devices, rules that decide on packets, the configuration in
        force, metrics, the end of the log. Tokens, passwords and keys are taken out; addresses and names of services are not.

          ebpf-proxy bugreport
          kubectl -n kube-system logs --tail=2000 POD | kubectl -n kube-system exec -i POD -- \
            ebpf-proxy bugreport --log - --file - > ebpf-proxy-bugreport.tar.gz

        The file system of the pod is for reading only: there it goes to the standard output, and the log comes by the standard input.
        """;

    private const string DefaultFile = "ebpf-proxy-bugreport.tar.gz";
    private const string Standard = "-";
    private const int LogLines = 2000;

    /// <summary>What is in the archive, and the command that says it.</summary>
    private static readonly (string File, string[] Command)[] _commands =
    [
        ("status.json", ["status", "-o", "json"]),
        ("status.txt", ["status", "-o", "wide"]),
        ("check.txt", ["check"]),
        ("maps.txt", ["maps"]),
        ("services.json", ["service", "list", "-o", "json"]),
        ("connections.txt", ["conntrack", "list"]),
        ("affinity.txt", ["affinity", "list"]),
        ("kube-proxy.txt", ["takeover", "--dry-run"]),
    ];

    /// <summary>Pages of the daemon.</summary>
    private static readonly (string File, string Path)[] _pages =
        [("metrics.txt", "/metrics"), ("configuration.json", "/configz"), ("flags.txt", "/flagz")];

    public static Command Create()
    {
        var file = new Option<string>("--file") { Description = "The archive to write; - for the standard output", DefaultValueFactory = _ => DefaultFile, HelpName = ValueNames.File };
        var log = new Option<string?>("--log") { Description = "The daemon's log, of which the end is taken; - for the standard input. Else the file that it logs to, if it is one", HelpName = ValueNames.File };
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Whose secrets are taken out wherever they turn up; else that of the running daemon", HelpName = ValueNames.File };
        var metrics = new Option<string>("--metrics-bind-address")
        {
            Description = "Where the daemon serves its metrics",
            DefaultValueFactory = _ => $"127.0.0.1:{ProxyOptions.DefaultMetricsPort}",
            HelpName = "address",
        };
        var command = new DocumentedCommand("bugreport", Help) { file, log, kubeconfig, metrics, Cli.BpfFileSystem };
        command.SetAction(async (result, _) =>
        {
            if (!IPEndPoint.TryParse(result.GetRequiredValue(metrics), out var address))
            {
                await result.InvocationConfiguration.Error.WriteLineAsync("error: command line: --metrics-bind-address is not an address with a port");
                return Cli.Misuse;
            }

            string path = result.GetRequiredValue(file);
            using var output = path == Standard ? Console.OpenStandardOutput() : CreateFile(path);
            var missing = await WriteAsync(
                output,
                result.GetRequiredValue(Cli.BpfFileSystem),
                address,
                result.GetValue(log),
                result.GetValue(kubeconfig));
            foreach (string what in missing)
            {
                await result.InvocationConfiguration.Error.WriteLineAsync($"warning: bugreport: not to be had: {what}");
            }

            if (path != Standard)
            {
                await result.InvocationConfiguration.Output.WriteLineAsync($"Wrote {path}");
            }

            return 0;
        });
        return command;
    }

    /// <summary>For its owner alone: names and addresses stand in it. In a pod the working directory is of a file system for reading only.</summary>
    internal static FileStream CreateFile(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"cannot write {Path.GetFullPath(path)} ({e.Message.TrimEnd('.')}); --file says another place, --file - the standard output", e);
        }
    }

    /// <summary>Returns what could not be had.</summary>
    private static async Task<IReadOnlyList<string>> WriteAsync(Stream output, string bpfFileSystem, IPEndPoint metrics, string? log, string? kubeconfig)
    {
        int? daemon = DatapathState.IsRunning(bpfFileSystem) ? ProcessOf(Daemon.DaemonNote.Parse(DaemonNotes.Read(bpfFileSystem))) : null;
        using var report = new BugReport(
            output, new SecretScrubber(KnownSecrets.Read(kubeconfig ?? KubeconfigOf(daemon))), TimeProvider.System.GetUtcNow());
        await report.AddAsync("version.txt", () => Task.FromResult(VersionText.Raw + "\n"));
        await report.AddAsync("kernel.txt", () => Task.FromResult(File.ReadAllText("/proc/version")));
        foreach (var (name, words) in _commands)
        {
            await report.AddAsync(name, () => RunAsync([.. words, "--bpffs", bpfFileSystem]));
        }

        await report.AddAsync("rules.txt", () => Task.FromResult(string.Concat(RuleSummary.Read().Select(line => line + "\n"))));
        foreach (var (name, page) in _pages)
        {
            await report.AddAsync(name, () => Task.FromResult(PageOf(metrics, page)));
        }

        await report.AddAsync("log.txt", () => Task.FromResult(EndOfLog(log, daemon)));
        return report.Missing;
    }

    private static string PageOf(IPEndPoint metrics, string page)
    {
        try
        {
            return LocalPage.Get(metrics, page);
        }
        catch (IOException e)
        {
            throw new IOException($"{e.Message}; --metrics-bind-address says where the daemon serves it", e);
        }
    }

    /// <summary>What a command says, and how it ended.</summary>
    private static async Task<string> RunAsync(string[] words)
    {
        using var text = new StringWriter();
        int code = await Cli.RunAsync(words, text, text);
        return code == 0 ? text.ToString() : $"{text}exit code {code}\n";
    }

    private static string EndOfLog(string? path, int? pid)
    {
        if (path == Standard)
        {
            return End(ReadLines(Console.In));
        }

        path ??= pid is { } process && File.ResolveLinkTarget($"/proc/{process}/fd/2", returnFinalTarget: false) is { } target && IsFile(target.FullName)
            ? target.FullName
            : throw new IOException("the daemon does not run, is not seen from here, or logs to no file; say --log");
        return End(File.ReadLines(path));
    }

    private static bool IsFile(string path) => File.Exists(path) && !path.StartsWith("/dev/", StringComparison.Ordinal);

    /// <summary>The daemon's process; null where that number is another process here: the daemon is in a pid namespace of its own.</summary>
    private static int? ProcessOf(Daemon.DaemonNote? note) => note is not null && CommandOf($"{note.Pid}") == CommandOf("self") ? note.Pid : null;

    private static string? CommandOf(string process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/comm");
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string End(IEnumerable<string> lines) => string.Concat(lines.TakeLast(LogLines).Select(line => line + "\n"));

    private static IEnumerable<string> ReadLines(TextReader reader)
    {
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    /// <summary>By the command line of the daemon, or by the configuration that this names.</summary>
    private static string? KubeconfigOf(int? pid)
    {
        try
        {
            string[] words = pid is null ? [] : File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
            var flags = FlagValues.Of([.. words.Skip(1)]);
            return flags["kubeconfig"] is { Length: > 0 } named
                ? named
                : flags["config"] is { Length: > 0 } file ? ConfigurationFile.Read(file, new ProxyOptions(), new Problems()).Kubeconfig : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
