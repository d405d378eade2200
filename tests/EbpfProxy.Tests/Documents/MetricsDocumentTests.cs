using System.Runtime.CompilerServices;

namespace EbpfProxy.Tests.Documents;

/// <summary>docs/metrics.md has the help of each metric, which dashboards show alone.</summary>
public sealed class MetricsDocumentTests
{
    private static readonly string[] _references = ["The same ", "Of these", "Those of ", "Time that these "];

    [Fact]
    public void Help_of_a_metric_makes_sense_without_that_of_another()
    {
        string[] help =
        [
            .. File.ReadLines(Path.Combine(Root(), "docs", "metrics.md"))
                .Where(line => line.StartsWith("| `", StringComparison.Ordinal) && line.Split('|').Length == 6)
                .Select(line => line.Split('|')[4].Trim()),
        ];

        Assert.NotEmpty(help);
        Assert.All(help, text => Assert.DoesNotContain(_references, reference => text.StartsWith(reference, StringComparison.Ordinal)));
    }

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", ".."));
}
