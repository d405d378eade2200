using System.CommandLine;

namespace EbpfProxy.Commands;

/// <summary>`-o json`: for scripts; without it, columns for people.</summary>
internal static class OutputOption
{
    public static Option<string> Create()
    {
        var option = new Option<string>("--output", "-o") { Description = "json, for scripts", HelpName = "form" };
        option.AcceptOnlyFromAmong("json", "text");
        return option;
    }

    public static bool IsJson(ParseResult result, Option<string> option) => result.GetValue(option) == "json";
}
