using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Configuration;

/// <summary>What the flags do that do one thing and end, and the exit codes.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly ScratchNetworkNamespace _network = new();
    private readonly ConfigurationVolume _volume = new(KubeadmFile.Text);
    private readonly string _folder = Directory.CreateTempSubdirectory("command-line-").FullName;

    public void Dispose()
    {
        _network.Dispose();
        _volume.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [KernelFact]
    public void What_is_written_of_kubeadms_file_is_complete_and_reads_as_the_same()
    {
        string first = Path.Combine(_folder, "first.yaml");
        string second = Path.Combine(_folder, "second.yaml");

        var write = Run("--config", _volume.Path, "--write-config-to", first);
        var again = Run("--config", first, "--write-config-to", second);

        Assert.Equal((0, 0), (write.ExitCode, again.ExitCode));
        Assert.Equal(("", ""), (write.Error, again.Error));
        Assert.Equal(File.ReadAllText(first), File.ReadAllText(second));
        Assert.Contains("  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf\n", File.ReadAllText(first), StringComparison.Ordinal);
        Assert.Contains("  tcpCloseWaitTimeout: 1h0m0s\n", File.ReadAllText(first), StringComparison.Ordinal);
        Assert.Contains("healthzBindAddress: \"0.0.0.0:10256\"\n", File.ReadAllText(first), StringComparison.Ordinal);
    }

    [KernelTheory]
    [InlineData(0, "--version")]
    [InlineData(0, "--version=raw")]
    [InlineData(2, "positional")]
    [InlineData(2, "--no-such-flag")]
    [InlineData(2, "--config=/does/not/exist")]
    [InlineData(2, "--metrics-port=0")]
    [InlineData(2, "--hostname-override= ")]
    public void Exit_codes_tell_what_makes_no_sense_from_what_does(int code, string flag)
    {
        var result = Run(flag);

        Assert.Equal(code, result.ExitCode);
        Assert.Equal(code == 0, result.Error.Length == 0);
    }

    /// <summary>A terminal that a runtime makes for a container has a size only once somebody looks at it.</summary>
    [KernelTheory]
    [InlineData("--version")]
    [InlineData("--help")]
    [InlineData("check --help")]
    public void A_terminal_that_does_not_say_how_wide_it_is_ends_nothing(string words)
    {
        var result = Shell.Run("TERM=xterm script -qefc \"stty cols 0 rows 0; exec $1 $2\" /dev/null", ProxyBinary.Path, words);

        Assert.True(result.ExitCode == 0, result.Output);
        Assert.DoesNotContain("Unhandled exception", result.Output, StringComparison.Ordinal);
    }

    [KernelFact]
    public void Only_to_initialize_writes_the_namespaces_settings_mounts_and_ends()
    {
        string bpffs = Directory.CreateDirectory(Path.Combine(_folder, "bpffs")).FullName;
        string machine = Machine();

        var result = Run("--init-only", "--config", _volume.Path, "--bpffs", bpffs, "--conntrack-min=1");
        string mounted = Shell.Require("stat -f -c %T \"$1\"; umount \"$1\"", bpffs);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal("bpf_fs", mounted.Trim());
        Assert.Equal("86400", Setting("tcp_timeout_established"));
        Assert.Equal("3600", Setting("tcp_timeout_close_wait"));
        Assert.Contains("/proc/sys/net/netfilter/nf_conntrack_max is the machine's", result.Error, StringComparison.Ordinal);
        Assert.Equal(machine, Machine());
    }

    [KernelFact]
    public void What_a_container_has_for_reading_only_is_left_with_a_warning()
    {
        const string script =
            """
            mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && mkdir -p "$1" && exec "$2" --init-only --bpffs "$1"
            """;

        var result = _network.Run("exec unshare -m bash -c \"$@\"", script, "bash", Path.Combine(_folder, "bpffs"), ProxyBinary.Path);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains(
            "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait is mounted for reading only: it stays",
            result.Error,
            StringComparison.Ordinal);
        Assert.NotEqual("3600", Setting("tcp_timeout_close_wait"));
    }

    [KernelFact]
    public void The_node_is_called_as_the_host_with_its_domain()
    {
        const string script = "exec unshare --uts sh -c 'hostname Node-1.Example.internal; exec \"$0\" \"$@\"' \"$@\"";

        var result = _network.Run(script, ProxyBinary.Path, "run", "--manifests", _folder, "--cgroup-root", "/does/not/exist", "--bpffs", _folder);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(" on node node-1.example.internal, pid ", result.Error, StringComparison.Ordinal);
    }

    [KernelFact]
    public void A_setting_without_effect_is_named_and_written_all_the_same()
    {
        string path = Path.Combine(_folder, "written.yaml");

        var result = Run("--ipvs-scheduler=rr", "--write-config-to", path);

        Assert.Equal((0, "warning: ipvs.scheduler=rr has no effect: a backend is picked at random\n"), (result.ExitCode, result.Error));
        Assert.Contains("  scheduler: rr\n", File.ReadAllText(path), StringComparison.Ordinal);
    }

    [KernelFact]
    public void Cleanup_goes_by_the_settings_of_the_file()
    {
        string file = Path.Combine(_folder, "config.conf");
        File.WriteAllText(file, $"{KubeadmFile.Text}---\nkind: EbpfProxyConfiguration\nbpffs: {_folder}\n");

        var result = Run("--cleanup", "--config", file);

        Assert.Equal((0, $"Nothing of ebpf-proxy is below {_folder}\n"), (result.ExitCode, result.Output));
    }

    private static string Machine() =>
        File.ReadAllText("/proc/sys/net/netfilter/nf_conntrack_max") + File.ReadAllText("/sys/module/nf_conntrack/parameters/hashsize");

    private string Setting(string name) => _network.Run("cat \"/proc/sys/net/netfilter/nf_conntrack_$1\"", name).Output.Trim();

    private ShellResult Run(params string[] flags) => _network.Run("exec \"$@\"", [ProxyBinary.Path, .. flags]);
}
