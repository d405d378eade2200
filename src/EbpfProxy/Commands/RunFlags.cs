using System.CommandLine;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>The flags of `run`, made of the settings, and what they come to together with a configuration file.</summary>
internal sealed class RunFlags
{
    private readonly List<(Setting Setting, Option<string[]> Option)> _settings = [];
    /// <summary>What help calls the value of a switch, which can be left out.</summary>
    public const string SwitchValue = "true|false";

    private readonly Option<string[]> _config = Make("config", "kube-proxy's configuration file; most flags are ignored beside it", ValueNames.File);

    public RunFlags(Command command)
    {
        command.Add(_config);
        foreach (var setting in Settings.All.Where(s => s.Flag is not null))
        {
            var option = Make(setting.Flag!, HelpOf(setting), setting.IsSwitch ? SwitchValue : setting.ValueName);
            option.Hidden = setting.HasNoEffect;
            option.CompletionSources.Add(setting.IsSwitch ? ["true", "false"] : [.. setting.Words]);
            _settings.Add((setting, option));
            command.Add(option);
        }
    }

    /// <summary>The options that file and flags come to.</summary>
    public ProxyOptions Read(ParseResult result, Problems problems)
    {
        var options = new ProxyOptions();
        string? file = TextsOf(result, _config) is [.., { Length: > 0 } last] ? last : null;
        if (file is not null)
        {
            options = ConfigurationFile.Read(file, options, problems);
        }

        var unused = new List<string>();
        foreach (var (setting, option) in _settings)
        {
            if (TextsOf(result, option) is not { } texts)
            {
                continue;
            }

            if (file is null || setting.CountsBesideFile)
            {
                problems.Given(setting, setting.FlagName);
                options = setting.Apply(options, new SettingValue(setting.FlagName, texts, problems));
            }
            else
            {
                unused.Add(setting.FlagName);
            }
        }

        if (unused.Count > 0)
        {
            problems.Warn($"Beside --config these flags are ignored: {string.Join(", ", unused)}");
        }

        problems.WarnOfNoEffect(options);
        OptionRules.Check(options, problems);
        return options;
    }

    /// <summary>A flag that may come again: then the last counts, or all do.</summary>
    public static Option<string[]> Make(string flag, string help, string valueName)
    {
        var option = new Option<string[]>($"--{flag}")
        {
            Description = help,
            Arity = valueName == SwitchValue ? ArgumentArity.ZeroOrMore : ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
            HelpName = valueName,
        };
        if (flag.Length == 1)
        {
            option.Aliases.Add($"-{flag}");
        }

        return option;
    }

    public static IReadOnlyList<string>? TextsOf(ParseResult result, Option option) =>
        result.GetResult(option) is { Implicit: false } found ? [.. found.Tokens.Select(t => t.Value)] : null;

    private static string HelpOf(Setting setting) => $"{setting.Help} [{setting.DefaultText}]";
}
