using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace EbpfProxy.Tests.Documents;

/// <summary>Links of the documents lead to files that are there, and to headings that stand in them.</summary>
public sealed partial class LinkTests
{
    /// <summary>Folders that hold no document of ours.</summary>
    private static readonly string[] _others = [".artifacts", ".git", "bin", "obj"];

    public static TheoryData<string> Documents() => [.. Find(Root()).Select(file => Path.GetRelativePath(Root(), file))];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_of_a_document_lead_somewhere(string document)
    {
        string file = Path.Combine(Root(), document);

        Assert.All(Links(file).Where(link => !link.Contains("://", StringComparison.Ordinal)), link =>
        {
            string[] parts = link.Split('#', 2);
            string target = parts[0].Length == 0 ? file : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, parts[0]));
            Assert.True(Path.Exists(target), $"{link}: there is no such file");
            Assert.True(parts.Length == 1 || Anchors(target).Contains(parts[1]), $"{link}: there is no such heading");
        });
    }

    [Fact]
    public void There_are_documents_and_links() =>
        Assert.True(Find(Root()).Sum(file => Links(file).Count()) > 20);

    [Theory]
    [InlineData("## In the place of kube-proxy", "in-the-place-of-kube-proxy")]
    [InlineData("# `explain`, and what it says", "explain-and-what-it-says")]
    public void Headings_have_the_anchors_that_a_forge_gives_them(string heading, string anchor) =>
        Assert.Equal(anchor, AnchorOf(heading));

    private static IEnumerable<string> Find(string folder) =>
        Directory.EnumerateFiles(folder, "*.md").Concat(
            Directory.EnumerateDirectories(folder).Where(inner => !_others.Contains(Path.GetFileName(inner))).SelectMany(Find));

    private static IEnumerable<string> Links(string file) => Link().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value);

    private static HashSet<string> Anchors(string file) =>
        [.. File.ReadLines(file).Where(line => line.StartsWith('#')).Select(AnchorOf)];

    private static string AnchorOf(string heading) =>
        NotInAnchor().Replace(heading.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-');

    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchor();
}
