using System.CommandLine;
using System.CommandLine.Completions;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>
/// What can stand in the place of the word that is being typed. Shells ask for it (<see cref="CompletionCommand"/>):
/// <c>ebpf-proxy __complete WORD...</c>, the words behind the program's name, the last being the one that is typed, empty where
/// nothing of it is there yet. The answer has a line for each word, whole as it would stand there.
/// </summary>
internal static class Completions
{
    /// <summary>What stands in the place of a command.</summary>
    public const string Question = "__complete";

    /// <summary>The only line where the shell is to complete names of files itself; behind the = of --flag=.</summary>
    public const string Files = ":files";

    /// <summary>The same of folders.</summary>
    public const string Folders = ":folders";

    public static IReadOnlyList<string> Of(RootCommand root, IReadOnlyList<string> words)
    {
        string word = words.Count == 0 ? "" : words[^1];
        string[] before = Arguments.Normalize([.. words.Take(words.Count - 1)]);
        if (before.Length == 0 && word.StartsWith('-'))
        {
            // Flags without a command are those of `run`.
            before = ["run"];
        }

        var (command, open, arguments) = Walk(root, before);
        var context = root.Parse(before, new ParserConfiguration { ResponseFileTokenReplacer = null }).GetCompletionContext();
        if (open is not null)
        {
            return ValuesOf(open, "", word, context);
        }

        int end = word.IndexOf('=', StringComparison.Ordinal);
        if (word.StartsWith("--", StringComparison.Ordinal) && end > 0)
        {
            return Find(command, word[..end]) is { } option ? ValuesOf(option, word[..(end + 1)], word, context) : [];
        }

        if (arguments > command.Arguments.Count)
        {
            return [];
        }

        string[] flags = [.. command.Options.Concat(root.Options.Where(option => option.Recursive)).Where(option => !option.Hidden).Select(option => option.Name)];
        string[] others =
        [
            .. command.Subcommands.Where(other => !other.Hidden).Select(other => other.Name),
            .. arguments < command.Arguments.Count ? Labels(command.Arguments[arguments].CompletionSources, context) : [],
        ];
        return Beginning(word, word.StartsWith('-') || (word.Length == 0 && others.Length == 0 && command.Arguments.Count == arguments) ? flags : others);
    }

    /// <summary>The command that the words name, the flag that waits for its value, and how many arguments there are.</summary>
    private static (Command Command, Option? Open, int Arguments) Walk(Command command, string[] words)
    {
        Option? open = null;
        int arguments = 0;
        foreach (string word in words)
        {
            if (open is not null)
            {
                open = null;
            }
            else if (word.StartsWith('-'))
            {
                var option = Find(command, word.Split('=')[0]);
                open = !word.Contains('=', StringComparison.Ordinal) && option is not null && TakesValue(option) ? option : null;
            }
            else if (command.Subcommands.FirstOrDefault(other => other.Name == word) is { } next)
            {
                command = next;
            }
            else
            {
                arguments++;
            }
        }

        return (command, open, arguments);
    }

    private static Option? Find(Command command, string name) =>
        command.Options.FirstOrDefault(option => option.Name == name.Replace('_', '-') || option.Aliases.Contains(name));

    /// <summary>A switch has a value only behind =.</summary>
    private static bool TakesValue(Option option) =>
        option.ValueType != typeof(bool) && option.HelpName != RunFlags.SwitchValue && option.Arity.MaximumNumberOfValues > 0;

    private static string[] ValuesOf(Option option, string head, string word, CompletionContext context) => option.HelpName switch
    {
        ValueNames.File => [Files],
        ValueNames.Folder => [Folders],
        _ => Beginning(word, Labels(option.CompletionSources, context).Select(value => head + value)),
    };

    private static IEnumerable<string> Labels(IEnumerable<Func<CompletionContext, IEnumerable<CompletionItem>>> sources, CompletionContext context) =>
        sources.SelectMany(source => source(context)).Select(item => item.Label);

    private static string[] Beginning(string word, IEnumerable<string> all) =>
        [.. all.Where(one => one.StartsWith(word, StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];
}
