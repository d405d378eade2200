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
            var help = (HelpAction)option.Action!;
            help.MaxWidth = WidthFor(help.MaxWidth);
            option.Action = new DetailedHelp(help);
        }
    }

    /// <summary>
    /// How long lines of help may be. They have to fit with the brackets that come to them; a terminal that does not say how wide
    /// it is (0 columns) breaks them itself.
    /// </summary>
    internal static int WidthFor(int columns) => columns > "[]".Length ? columns - "[]".Length : int.MaxValue;

    private sealed class DetailedHelp(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var configuration = parseResult.InvocationConfiguration;
            var output = configuration.Output;
            using var text = new StringWriter();
            configuration.Output = text;
            int code = help.Invoke(parseResult);
            configuration.Output = output;
            output.Write(WithBrackets(text.ToString(), parseResult.CommandResult.Command));
            if (parseResult.CommandResult.Command is DocumentedCommand command)
            {
                output.WriteLine(command.Details);
            }

            return code;
        }

        /// <summary>Among the commands below another the library tells every argument as one that is needed; those that are not get brackets.</summary>
        private static string WithBrackets(string text, Command parent)
        {
            string[] lines = text.Split('\n');
            string[] labels =
            [
                .. parent.Subcommands.SelectMany(command => command.Arguments
                    .Where(argument => argument.Arity.MinimumNumberOfValues == 0)
                    .Select(argument => $"  {command.Name} <{argument.Name}>")),
            ];
            int first = Array.FindIndex(lines, line => LabelOf(line) is not null);
            if (first < 0)
            {
                return text;
            }

            int end = LabelOf(lines[first])!.Length;
            int column = end + lines[first][end..].TakeWhile(c => c == ' ').Count();
            for (int i = Array.LastIndexOf(lines, "Commands:", first) + 1; lines[i].Length > 0; i++)
            {
                lines[i] = LabelOf(lines[i]) is { } label ? $"{label.Replace("<", "[<", StringComparison.Ordinal)}]{lines[i][label.Length..]}"
                    : lines[i].Length > column ? lines[i].Insert(column, "  ") : lines[i];
            }

            return string.Join('\n', lines);

            string? LabelOf(string line) => labels.FirstOrDefault(label => line.StartsWith(label + " ", StringComparison.Ordinal));
        }
    }
}
