using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>`bugreport`: what is in the archive, and what is not.</summary>
public sealed class BugreportTests : IDisposable
{
    private const string InKubeconfig = "planted-in-the-kubeconfig";
    private const string InConfiguration = "planted-in-the-configuration";
    private const string InEnvironment = "planted-in-the-environment";
    private const string InCommandLine = "planted-in-the-command-line";

    private readonly TestNode _node = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("bugreport-").FullName;

    public void Dispose()
    {
        _node.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [KernelFact]
    public void Archive_has_what_helps_and_no_secret()
    {
        string kubeconfig = Path.Combine(_folder, "kubeconfig");
        new Kubeconfig { Server = new Uri("https://192.0.2.1"), User = new() { ["token"] = InKubeconfig } }.Write(kubeconfig);
        string manifests = Path.Combine(_folder, $"token={InCommandLine}");
        Directory.CreateDirectory(manifests);
        string config = Path.Combine(_folder, "config.yaml");
        File.WriteAllText(
            config,
            $"""
            apiVersion: kubeproxy.config.k8s.io/v1alpha1
            kind: KubeProxyConfiguration
            # token: {InConfiguration}
            clientConnection: {"{"} kubeconfig: {kubeconfig}, contentType: "token={InConfiguration} {InKubeconfig}" {"}"}
            """);
        string log = Path.Combine(_folder, "log");
        string archive = Path.Combine(_folder, "report.tar.gz");
        using var daemon = _node.Host.Start(
        [
            "bash", "-c", "log=$1; shift; API_TOKEN=$1; shift; export API_TOKEN; exec \"$@\" 2>\"$log\"", "bash", log, InEnvironment,
            _node.Binary, .. NodeProxy.Arguments(_node), "--config", config, "--manifests", manifests,
        ]);
        Eventually.Holds(() => _node.Command("status").ExitCode == 0, TimeSpan.FromSeconds(60));
        Eventually.Succeeds(() => RawHttp.Get(_node.Host, "127.0.0.1", 10249, "/flagz"), TimeSpan.FromSeconds(60));
        Assert.Contains(InCommandLine, RawHttp.Get(_node.Host, "127.0.0.1", 10249, "/flagz"), StringComparison.Ordinal);
        Assert.Contains($"{InConfiguration} {InKubeconfig}", RawHttp.Get(_node.Host, "127.0.0.1", 10249, "/configz"), StringComparison.Ordinal);

        var run = _node.Command("bugreport", "--file", archive);

        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Shell.Require("tar -xzf \"$1\" -C \"$2\"", archive, _folder);
        string report = Path.Combine(_folder, "ebpf-proxy-bugreport");
        Assert.Equal(
            [
                "affinity.txt", "check.txt", "configuration.json", "connections.txt", "flags.txt", "kernel.txt", "kube-proxy.txt", "log.txt", "maps.txt",
                "metrics.txt", "rules.txt", "services.json", "status.json", "status.txt", "version.txt",
            ],
            Directory.EnumerateFiles(report).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("ebpf_proxy_build_info", File.ReadAllText(Path.Combine(report, "metrics.txt")), StringComparison.Ordinal);
        Assert.Contains("KubeProxyConfiguration", File.ReadAllText(Path.Combine(report, "configuration.json")), StringComparison.Ordinal);
        Assert.Contains("Attached", File.ReadAllText(Path.Combine(report, "log.txt")), StringComparison.Ordinal);
        Assert.Contains("kernel", File.ReadAllText(Path.Combine(report, "check.txt")), StringComparison.Ordinal);
        string all = string.Concat(Directory.EnumerateFiles(report).Select(File.ReadAllText));
        Assert.All([InKubeconfig, InConfiguration, InEnvironment, InCommandLine], secret => Assert.DoesNotContain(secret, all, StringComparison.Ordinal));
    }
}
