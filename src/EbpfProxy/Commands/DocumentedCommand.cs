using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace EbpfProxy.Commands;

/// <summary>A command whose help says more than a line: what its output means, examples, exit codes. That comes last.</summary>
internal sealed class DocumentedCommand : Command
{
    /// <param name="name">The word for it.</param>
    /// <param name="help">What it does, in a line; an empty line; the rest.</param>
    public DocumentedCommand(string name, string help)
        : base(name, help.Split('\n')[0])
    {
        Details = help[(help.IndexOf('\n', StringComparison.Ordinal) + 1)..].Trim('\n');
    }

    /// <summary>All but the first line.</summary>
    public string Details { get; }

    /// <summary>Makes the help of all commands below a root tell their details.</summary>
    public static void TellDetails(RootCommand root)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            option.Action = new DetailedHelp((SynchronousCommandLineAction)option.Action!);
        }
    }

    private sealed class DetailedHelp(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            int code = help.Invoke(parseResult);
            if (parseResult.CommandResult.Command is DocumentedCommand command)
            {
                parseResult.InvocationConfiguration.Output.WriteLine(command.Details);
            }

            return code;
        }
    }
}
