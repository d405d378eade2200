using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using k8s.Models;

namespace EbpfProxy.Deploy.Tests;

public sealed class ConfigurationTests
{
    [Theory]
    [InlineData("plain", "127.0.0.1:10249")]
    [InlineData("canary", "127.0.0.1:10249")]
    [InlineData("prometheus", "0.0.0.0:10249")]
    public void The_configuration_of_the_overlay_is_accepted(string name, string metrics)
    {
        var overlay = Overlay.Render(name);

        var (text, error) = Read(overlay.ConfigMap("ebpf-proxy-config-").Data["config.yaml"], overlay.Daemon);

        Assert.Equal("", error);
        Assert.Contains("healthzBindAddress: \"0.0.0.0:10256\"", text, StringComparison.Ordinal);
        Assert.Contains($"metricsBindAddress: \"{metrics}\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_commented_out_is_accepted_too()
    {
        string config = File.ReadAllText(Path.Combine(Overlay.Root, "base/config.yaml"));

        var (text, error) = Read(Uncomment(config), Overlay.Render("plain").Daemon);

        Assert.Equal("", error);
        Assert.Contains("clusterCIDR: 10.244.0.0/16", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_one_s_own_is_in_force_and_leaves_metrics_open()
    {
        string own = File.ReadAllText(Path.Combine(Overlay.Root, "base/config.yaml")).Replace("#clusterCIDR: 10.244.0.0/16", "clusterCIDR: 10.99.0.0/16", StringComparison.Ordinal);
        var overlay = Overlay.RenderOwn(
            """
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources: [DEPLOY/base]
            components: [DEPLOY/components/prometheus]
            configMapGenerator:
              - { name: ebpf-proxy-config, namespace: kube-system, behavior: merge, files: [config.yaml] }
            """,
            ("config.yaml", own));

        string config = overlay.ConfigMap("ebpf-proxy-config-").Data["config.yaml"];
        var (text, error) = Read(config, overlay.Daemon);

        Assert.Equal(own, config);
        Assert.Equal("", error);
        Assert.Contains("clusterCIDR: 10.99.0.0/16", text, StringComparison.Ordinal);
        Assert.Contains("metricsBindAddress: \"0.0.0.0:10249\"", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kubeadm", "127.0.0.1:10249")]
    [InlineData("kubeadm, prometheus", "0.0.0.0:10249")]
    [InlineData("prometheus, kubeadm", "0.0.0.0:10249")]
    public void The_configuration_of_kubeadm_is_accepted_as_it_stands(string components, string metrics)
    {
        var (text, error) = Read(KubeadmFile.Text, Overlay.RenderComponents(components).Daemon);

        Assert.Equal("", error);
        Assert.Contains("healthzBindAddress: \"0.0.0.0:10256\"", text, StringComparison.Ordinal);
        Assert.Contains("kubeconfig: /var/lib/kube-proxy/kubeconfig.conf", text, StringComparison.Ordinal);
        Assert.Contains($"metricsBindAddress: \"{metrics}\"", text, StringComparison.Ordinal);
    }

    /// <summary>A line "#field: value" becomes one that counts.</summary>
    private static string Uncomment(string config) => string.Join(
        '\n', config.Split('\n').Select(line => line.Length > 1 && line[0] == '#' && line[1] != ' ' ? line[1..] : line));

    /// <summary>What the binary makes of it with the container's arguments, and what it says against it.</summary>
    private static (string Effective, string Error) Read(string config, V1Container daemon)
    {
        string binary = Path.Combine(Repository.Path!, ".artifacts/ebpf-proxy");
        var folder = Directory.CreateTempSubdirectory("ebpf-proxy-config-");
        try
        {
            string given = Path.Combine(folder.FullName, "given.yaml");
            string effective = Path.Combine(folder.FullName, "effective.yaml");
            File.WriteAllText(given, config);
            var arguments = daemon.Args.Select(argument => argument switch
            {
                _ when argument.StartsWith("--config=", StringComparison.Ordinal) => $"--config={given}",
                _ => argument.Replace("$(NODE_NAME)", "node-a", StringComparison.Ordinal),
            });
            var result = Shell.Run("exec \"$@\"", [binary, .. arguments, "--write-config-to", effective]);
            return (File.Exists(effective) ? File.ReadAllText(effective) : "", result.Error);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
