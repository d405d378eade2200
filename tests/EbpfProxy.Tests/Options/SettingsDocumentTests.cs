using System.Runtime.CompilerServices;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

/// <summary>docs/configure.md has a row for every setting, made of what the setting itself says. UPDATE_DOCS=1 writes them.</summary>
public sealed class SettingsDocumentTests
{
    private const string End = "<!-- end -->";

    [Theory]
    [InlineData("ours", "what it does")]
    [InlineData("kube-proxy's", "what it does")]
    [InlineData("without effect", "why it does nothing")]
    public void A_table_of_the_document_is_what_the_settings_say(string name, string last)
    {
        string path = Document();
        var lines = File.ReadAllLines(path).ToList();
        int start = lines.IndexOf($"<!-- {name} -->") + 1;
        int end = lines.IndexOf(End, start);
        Assert.True(start > 0 && end >= start, $"the document has no table {name}");
        string[] expected = [$"| flag | field | default | {last} |", "|---|---|---|---|", .. Settings.All.Where(s => TableOf(s) == name).Select(Row)];

        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
        {
            lines.RemoveRange(start, end - start);
            lines.InsertRange(start, expected);
            File.WriteAllText(path, string.Join('\n', lines) + "\n");
            return;
        }

        Assert.Equal(expected, lines[start..end]);
    }

    [Fact]
    public void Every_setting_is_in_one_table()
    {
        var names = Settings.All.Select(setting => (setting.Flag, setting.Path)).ToList();

        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.Equal(names.Count(name => name.Flag is not null), names.Where(name => name.Flag is not null).DistinctBy(name => name.Flag).Count());
    }

    private static string TableOf(Setting setting) => setting switch
    {
        { IsOurs: true } => "ours",
        { HasNoEffect: true } => "without effect",
        _ => "kube-proxy's",
    };

    private static string Row(Setting setting)
    {
        string flag = setting.Flag is null ? "" : $"`{(setting.Flag.Length == 1 ? "-" : "--")}{setting.Flag}`{(setting.CountsBesideFile ? " +" : "")}";
        string path = setting.Path is null ? "" : $"`{setting.Path}`";
        string text = setting.Default is null && setting.DefaultText != "none" ? $"`{setting.DefaultText}`" : setting.DefaultText;
        return $"| {flag} | {path} | {text} | {setting.Help} |";
    }

    private static string Document([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/configure.md"));
}
