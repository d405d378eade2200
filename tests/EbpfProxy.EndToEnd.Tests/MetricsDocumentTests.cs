using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>docs/metrics.md says of every metric of a running daemon what it is.</summary>
public sealed partial class MetricsDocumentTests : IDisposable
{
    private const string Begin = "<!-- generated -->\n";
    private const string End = "<!-- end -->\n";

    private readonly TestNode _node = new();

    public void Dispose() => _node.Dispose();

    [KernelFact]
    public async Task Every_metric_is_told_with_its_type_its_labels_and_what_to_do()
    {
        await using var server = await KubernetesApiServer.StartAsync(new() { Namespace = _node.Network });
        string kubeconfig = Path.Combine(_node.Manifests.Path, "kubeconfig");
        new Kubeconfig { Server = server.Address }.Write(kubeconfig);

        // An object that makes no sense, so that what is counted by kind has a series; and one that does, for what is by service.
        server.Apply("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"bad","namespace":"default"},"spec":{"clusterIP":"10.96.0.300","clusterIPs":["10.96.0.300"],"ports":[{"port":80}]}}""");
        server.Apply("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"good","namespace":"default"},"spec":{"clusterIP":"10.96.0.30","clusterIPs":["10.96.0.30"],"ports":[{"port":80}]}}""");
        using var proxy = _node.StartProxy("--kubeconfig", kubeconfig);
        string table = Table(proxy.Metrics("/metrics"));
        string path = Document();
        string text = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = text.IndexOf(End, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
        {
            await File.WriteAllTextAsync(path, text[..begin] + table + text[end..], TestContext.Current.CancellationToken);
        }
        else
        {
            Assert.Equal(table, text[begin..end]);
        }
    }

    /// <summary>A row for each metric: those of kube-proxy first, else by name.</summary>
    private static string Table(string metrics)
    {
        string[] lines = metrics.ReplaceLineEndings("\n").Split('\n');
        var rows = lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')).Select(type =>
        {
            string name = type[2];
            string help = lines.First(line => line.StartsWith($"# HELP {name} ", StringComparison.Ordinal))[$"# HELP {name} ".Length..];
            return (Name: name, Row: $"| `{name}` | {type[3]} | {Labels(lines, name)} | {help.Replace("|", "\\|", StringComparison.Ordinal).TrimEnd('.')} |\n");
        });
        return "| | type | labels | |\n|---|---|---|---|\n" + string.Concat(rows
            .OrderBy(row => row.Name.StartsWith("kubeproxy", StringComparison.Ordinal) ? 0 : 1)
            .ThenBy(row => row.Name, StringComparer.Ordinal)
            .Select(row => row.Row));
    }

    private static string Labels(string[] lines, string name)
    {
        string? series = lines.FirstOrDefault(line => Series().Match(line) is { Success: true } match
            && (match.Groups[1].Value == name || match.Groups[1].Value == $"{name}_count"));
        return series is null
            ? ""
            : string.Join(", ", Label().Matches(Series().Match(series).Groups[2].Value).Select(match => $"`{match.Groups[1].Value}`"));
    }

    private static string Document([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../docs/metrics.md"));

    [GeneratedRegex("^([a-z0-9_]+)(?:\\{(.*)\\})? ")]
    private static partial Regex Series();

    [GeneratedRegex("([a-z_]+)=\"(?:[^\"\\\\]|\\\\.)*\"")]
    private static partial Regex Label();
}
