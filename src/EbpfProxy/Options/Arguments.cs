namespace EbpfProxy.Options;

/// <summary>Makes of a command line what kube-proxy's parser would: flags without a command mean `run`.</summary>
internal static class Arguments
{
    private static readonly string[] _help = ["-h", "--help", "-?"];

    public static string[] Normalize(IReadOnlyList<string> args)
    {
        string[] normal = [.. JoinNegativeNumbers(args.Select(NormalizeFlag)).SelectMany(SplitEmpty)];
        if (normal.Length == 0 || !normal[0].StartsWith('-') || _help.Contains(normal[0]))
        {
            return normal;
        }

        return ["run", .. normal];
    }

    /// <summary>Underscores in the name of a flag count as dashes, and --v=2 as -v=2.</summary>
    private static string NormalizeFlag(string argument)
    {
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            return argument;
        }

        int end = argument.IndexOf('=', StringComparison.Ordinal);
        string name = end < 0 ? argument : argument[..end];
        return name.Replace('_', '-') + (end < 0 ? "" : argument[end..]);
    }

    /// <summary>The parser would take <c>--flag=</c> for a flag without a value.</summary>
    private static string[] SplitEmpty(string argument)
    {
        bool isEmpty = argument.StartsWith("--", StringComparison.Ordinal) && argument.IndexOf('=', StringComparison.Ordinal) == argument.Length - 1;
        return isEmpty ? [argument[..^1], ""] : [argument];
    }

    /// <summary>The parser would take -999 for a flag.</summary>
    private static IEnumerable<string> JoinNegativeNumbers(IEnumerable<string> args)
    {
        string? flag = null;
        foreach (string argument in args)
        {
            if (flag is not null && argument is ['-', >= '0' and <= '9', ..])
            {
                yield return $"{flag}={argument}";
                flag = null;
                continue;
            }

            if (flag is not null)
            {
                yield return flag;
            }

            flag = null;
            if (argument.StartsWith("--", StringComparison.Ordinal) && !argument.Contains('=', StringComparison.Ordinal))
            {
                flag = argument;
            }
            else
            {
                yield return argument;
            }
        }

        if (flag is not null)
        {
            yield return flag;
        }
    }
}
