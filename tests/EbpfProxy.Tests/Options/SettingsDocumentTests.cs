using System.Runtime.CompilerServices;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

/// <summary>docs/configure.md says of every setting what it is.</summary>
public sealed class SettingsDocumentTests
{
    private static readonly string[] _rows = [.. File.ReadLines(Document()).Where(line => line.StartsWith("| ", StringComparison.Ordinal))];

    public static TheoryData<string, string> All => new(Settings.All.Select(setting => (setting.Flag ?? "", setting.Path ?? "")));

    [Theory]
    [MemberData(nameof(All))]
    public void Every_setting_is_told_with_its_flag_its_field_and_whether_it_counts_beside_a_file(string flag, string path)
    {
        var setting = Settings.All.Single(setting => (setting.Flag ?? "", setting.Path ?? "") == (flag, path));
        string dashes = flag.Length == 1 ? "-" : "--";
        string mark = setting.CountsBesideFile ? " + |" : " |";

        Assert.Contains(
            _rows,
            row => (flag.Length == 0 || row.StartsWith($"| `{dashes}{flag}`{mark}", StringComparison.Ordinal))
                && (path.Length == 0 || row.Contains($"`{path}`", StringComparison.Ordinal)));
    }

    [Fact]
    public void No_setting_is_told_that_there_is_not()
    {
        var flags = Settings.All.Select(setting => setting.Flag).ToHashSet();

        Assert.All(_rows.Where(row => row.StartsWith("| `-", StringComparison.Ordinal)), row => Assert.Contains(row.Split('`')[1].TrimStart('-'), flags));
    }

    [Theory]
    [InlineData("masquerade-ports", "1024-29999")]
    [InlineData("service-node-port-range", "30000-32767")]
    [InlineData("bpffs", "/sys/fs/bpf")]
    public void Defaults_are_those_of_the_code(string flag, string text)
    {
        var options = new ProxyOptions();
        string actual = flag switch
        {
            "masquerade-ports" => options.MasqueradePorts.ToString(),
            "service-node-port-range" => options.NodePortRange.ToString(),
            _ => options.BpfFileSystem,
        };

        Assert.Equal(text, actual);
        Assert.Contains(_rows, row => row.StartsWith($"| `--{flag}`", StringComparison.Ordinal) && row.Contains($"`{text}`", StringComparison.Ordinal));
    }

    private static string Document([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/configure.md"));
}
