using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace EbpfProxy.Tests.Documents;

/// <summary>docs/parity.md says of every line of kube-proxy's behaviour what becomes of it, and by which test that is known.</summary>
public sealed partial class ParityDocumentTests
{
    private static readonly string[] _states = ["held", "better", "otherwise", "n/a", "open"];

    /// <summary>A line: number (may be empty), what kube-proxy does, state, tests or reason.</summary>
    private static readonly string[][] _lines =
    [
        .. File.ReadLines(Path.Combine(Root(), "docs", "parity.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !IsHeading(line))
            .Select(line => line.Trim().Trim('|').Split('|', StringSplitOptions.TrimEntries)),
    ];

    [Fact]
    public void Every_line_says_what_becomes_of_it()
    {
        Assert.NotEmpty(_lines);
        Assert.All(_lines, line => Assert.Equal(4, line.Length));
        Assert.All(_lines, line => Assert.Contains(line[2], _states));
    }

    [Fact]
    public void What_is_held_is_shown_by_a_test_and_what_is_not_has_a_reason()
    {
        Assert.All(_lines.Where(line => line[2] is "held" or "better"), line => Assert.Matches(TestName(), line[3]));
        Assert.All(_lines.Where(line => line[2] is "otherwise" or "n/a"), line => Assert.NotEmpty(line[3]));
    }

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var tests = Tests();

        Assert.NotEmpty(tests);
        Assert.All(
            _lines.SelectMany(line => TestName().Matches(line[3])),
            name => Assert.Contains(name.Groups[1].Value, tests));
    }

    private static bool IsHeading(string line) => line.StartsWith("| | kube-proxy", StringComparison.Ordinal) || line.StartsWith("| | what", StringComparison.Ordinal);

    private static HashSet<string> Tests()
    {
        HashSet<string> tests = [];
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Root(), "tests"), "*.cs", SearchOption.AllDirectories))
        {
            string text = File.ReadAllText(file);
            if (ClassName().Match(text) is { Success: true } name)
            {
                tests.UnionWith(TestMethod().Matches(text).Select(method => $"{name.Groups[1].Value}.{method.Groups[1].Value}"));
            }
        }

        return tests;
    }

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));

    [GeneratedRegex("`([A-Za-z0-9]+Tests\\.[A-Za-z0-9_]+)`")]
    private static partial Regex TestName();

    [GeneratedRegex("class ([A-Za-z0-9]+Tests)\\b")]
    private static partial Regex ClassName();

    [GeneratedRegex("(?:Fact|Theory)\\b.*?\\b(?:void|Task) ([A-Za-z0-9_]+)\\(", RegexOptions.Singleline)]
    private static partial Regex TestMethod();
}
