using System.CommandLine;
using System.CommandLine.Invocation;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>
/// The command line. What goes wrong is told in one form, on the standard error: "error: what it is about: what is wrong".
/// </summary>
internal static class Cli
{
    /// <summary>The exit code of what was understood and did not work.</summary>
    public const int Failure = 1;

    /// <summary>The exit code of flags and files that make no sense.</summary>
    public const int Misuse = 2;

    public static Option<string> BpfFileSystem { get; } = new("--bpffs")
    {
        Description = "The BPF file system that keeps the tables",
        DefaultValueFactory = _ => ProxyOptions.DefaultBpfFileSystem,
        HelpName = ValueNames.Folder,
    };

    public static async Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter error)
    {
        if (args.Count > 0 && args[0] == Completions.Question)
        {
            foreach (string word in Completions.Of(CreateRoot(), [.. args.Skip(1)]))
            {
                await output.WriteLineAsync(word);
            }

            return 0;
        }

        // A value may begin with @; files of flags are not kube-proxy's.
        var result = CreateRoot().Parse(Arguments.Normalize(args), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Action is ParseErrorAction)
        {
            foreach (string fault in FaultsOf(result))
            {
                await TellAsync(error, $"error: command line: {fault}");
            }

            return Misuse;
        }

        try
        {
            // Signals are the daemon's own matter.
            return await result.InvokeAsync(new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            await TellAsync(error, $"error: {result.CommandResult.Command.Name}: {OnOneLine(e.Message)}");
            return Failure;
        }
    }

    /// <summary>Where the standard error takes nothing, as on a disk that is full, the exit code says it alone.</summary>
    private static async Task TellAsync(TextWriter error, string line)
    {
        try
        {
            await error.WriteLineAsync(line);
        }
        catch (IOException)
        {
        }
    }

    /// <summary>That a command is missing says something only where no word was meant to be one.</summary>
    private static string[] FaultsOf(ParseResult result)
    {
        var command = result.CommandResult.Command;
        string[] faults = [.. result.Errors.Select(fault => OnOneLine(fault.Message))];
        string[] commands = [.. command.Subcommands.Where(other => !other.Hidden).Select(other => other.Name)];
        return result.UnmatchedTokens is [var word, ..] && commands.Length > 0 && !word.StartsWith('-')
            ? [$"there is no command \"{word}\"; there are: {string.Join(", ", commands)}"]
            : faults is [_] && result.UnmatchedTokens is [] && commands.Length > 0 ? [$"which command? There are: {string.Join(", ", commands)}"] : faults;
    }

    private static string OnOneLine(string message) => string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private const string Help =
        """
        An eBPF replacement for kube-proxy

        Flags without a command are those of `run`. What looks at the node reads the pinned maps, and needs no daemon.
        `COMMAND --help` has what its output means, and examples.

        Exit codes: 0 done, or `run` was ended by a signal; 1 it did not work, and why stands in one line on the standard error,
        or `status` found no programs, `check` something missing that cannot be done without, `trace` nothing in time, `probe` a
        daemon that is not well, and something stays after `takeover` or `handback`;
        2 flags, arguments or a configuration file that make no sense.
        """;

    private static RootCommand CreateRoot()
    {
        var root = new RootCommand(Help)
        {
            RunCommand.Create(),
            CheckCommand.Create(),
            StatusCommand.Create(),
            ProbeCommand.Create(),
            new Command("service", "The services that this node answers") { ServiceListCommand.Create(), ServiceShowCommand.Create() },
            new Command("backend", "The backends of the services") { BackendListCommand.Create() },
            new Command("conntrack", "The connections that are translated packet by packet") { ConntrackListCommand.Create() },
            new Command("affinity", "The clients that services remember") { AffinityListCommand.Create() },
            SocketsCommand.Create(),
            TopCommand.Create(),
            TraceCommand.Create(),
            ExplainCommand.Create(),
            MapsCommand.Create(),
            TakeoverCommand.Create(),
            HandbackCommand.Create(),
            BugreportCommand.Create(),
            CleanupCommand.Create(),
            CompletionCommand.Create(),
        };
        DocumentedCommand.TellDetails(root);

        // Completions are asked for by a word of their own.
        root.Directives.Clear();
        return root;
    }
}
