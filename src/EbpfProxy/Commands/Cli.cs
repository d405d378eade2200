using System.CommandLine;
using System.CommandLine.Invocation;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>The command line.</summary>
internal static class Cli
{
    public static Option<string> BpfFileSystem { get; } = new("--bpffs")
    {
        Description = "The BPF file system that keeps the tables",
        DefaultValueFactory = _ => ProxyOptions.DefaultBpfFileSystem,
        HelpName = "folder",
    };

    public static async Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter error)
    {
        // A value may begin with @; files of flags are not kube-proxy's.
        var result = CreateRoot().Parse(Arguments.Normalize(args), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Action is ParseErrorAction errors)
        {
            errors.ShowHelp = false;
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
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"error: {e.Message}");
            return 1;
        }
    }

    private static RootCommand CreateRoot() => new("An eBPF replacement for kube-proxy")
    {
        RunCommand.Create(),
        CheckCommand.Create(),
        StatusCommand.Create(),
        new Command("service", "The services that this node answers") { ServiceListCommand.Create() },
        new Command("backend", "The backends of the services") { BackendListCommand.Create() },
        CleanupCommand.Create(),
    };
}
