using System.CommandLine;
using System.Net;
using EbpfProxy.Commands;
using EbpfProxy.Model.Devices;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Commands;

public sealed class RunFlagsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebpf-proxy-flags-").FullName;
    private readonly Problems _problems = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Without_flags_kube_proxys_defaults_hold()
    {
        var options = Read();

        Assert.Equal("0.0.0.0:10256", options.Healthz.ToString());
        Assert.Equal("127.0.0.1:10249", options.Metrics.ToString());
        Assert.Equal("/sys/fs/bpf", options.BpfFileSystem);
        Assert.Equal((5, 10), (options.Qps, options.Burst));
        Assert.Equal(TimeSpan.FromSeconds(30), options.SyncPeriod);
        Assert.Null(options.Manifests);
        Assert.Empty(_problems.Errors);
        Assert.Empty(_problems.Warnings);
    }

    [Fact]
    public void Every_flag_of_ours_is_read()
    {
        var options = Read(
            "--kubeconfig=/k", "--master", "https://a:6443", "--master=b:8080", "--hostname-override", "N1", "--cluster-cidr=10.0.0.0/8,fd00::/64",
            "--detect-local-mode=BridgeInterface", "--pod-bridge-interface=cni0", "--healthz-bind-address=1.2.3.4", "--metrics-bind-address=[::1]:99",
            "-v=4", "--logging-format=json", $"--manifests={_folder}", "--cgroup-root=/c", "--bpffs=/b", "--devices=eth0,eth1", "--node-ip=10.0.0.1",
            "--node-ip=fd00::1", "--bind-address-hard-fail");

        Assert.Empty(_problems.Errors);
        Assert.Equal("/k", options.Kubeconfig);
        Assert.Equal(["https://a:6443/", "http://b:8080/"], options.Masters.Select(m => m.ToString()));
        Assert.Equal("N1", options.HostnameOverride);
        Assert.Equal(["10.0.0.0/8", "fd00::/64"], options.ClusterCidrs.Select(c => c.ToString()));
        Assert.Equal((DetectLocalMode.BridgeInterface, "cni0"), (options.DetectLocalMode, options.BridgeInterface));
        Assert.Equal("1.2.3.4:10256", options.Healthz.ToString());
        Assert.Equal("[::1]:99", options.Metrics.ToString());
        Assert.Equal((4, LogFormat.Json), (options.Verbosity, options.LogFormat));
        Assert.Equal((_folder, "/c", "/b"), (options.Manifests, options.CgroupRoot, options.BpfFileSystem));
        Assert.Equal(["eth0", "eth1"], options.Devices);
        Assert.Equal([IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00::1")], options.NodeIPs);
        Assert.True(options.BindAddressHardFail);
    }

    [Fact]
    public void A_setting_of_words_tells_all_that_it_takes()
    {
        foreach (var setting in Settings.All.Where(setting => !setting.HasNoEffect && setting.Shape == SettingShape.Text))
        {
            var problems = new Problems();
            setting.Apply(new ProxyOptions(), new SettingValue(setting.Name, ["no such word"], problems));

            string refused = problems.Errors.Select(error => error.Split("is not one of ")).Where(parts => parts.Length > 1).Select(parts => parts[1]).SingleOrDefault("");
            Assert.Equal((setting.Name, refused), (setting.Name, string.Join(", ", setting.Words)));
        }
    }

    [Theory]
    [InlineData("fast-path", "auto off on")]
    [InlineData("masquerade-all", "false true")]
    [InlineData("manifests", "")]
    public void Words_complete_a_flag(string flag, string words)
    {
        var command = new Command("run");
        _ = new RunFlags(command);

        Assert.Equal(words, string.Join(' ', command.Parse($"--{flag} ").GetCompletions().Select(item => item.Label).Where(label => !label.StartsWith('-'))));
    }

    [Fact]
    public void Flags_of_the_packet_path_are_read()
    {
        var options = Read(
            "--proxy-mode=nftables", "--masquerade-all", "--conntrack-tcp-timeout-established=1h", "--conntrack-tcp-timeout-close-wait=2m",
            "--conntrack-udp-timeout=5s", "--conntrack-udp-timeout-stream=6s", "--masquerade-ports=2000-2999", "--service-node-port-range=3000-3100",
            "--preserve-client-address", "--devices=eth*,!eth1");

        Assert.Empty(_problems.Errors);
        Assert.Empty(_problems.Warnings);
        Assert.True(options.MasqueradesAll && options.PreservesClientAddress && options.AreNodePortsOnPrimary);
        Assert.Equal(new PortRange(2000, 2999), options.MasqueradePorts);
        Assert.Equal((3600, 120, 5, 6), (
            options.Timeouts.TcpEstablished.TotalSeconds, options.Timeouts.TcpCloseWait.TotalSeconds,
            options.Timeouts.Udp.TotalSeconds, options.Timeouts.UdpStream.TotalSeconds));
        Assert.Equal(["eth*", "!eth1"], options.Devices);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true, "--proxy-mode=nftables")]
    [InlineData(true, "--nodeport-addresses=primary")]
    [InlineData(false, "--proxy-mode=nftables", "--nodeport-addresses=10.0.0.0/8")]
    [InlineData(false, "--nodeport-addresses=10.0.0.0/8")]
    public void Node_ports_are_on_the_primary_addresses_as_kube_proxy_has_it(bool isPrimary, params string[] flags)
    {
        Assert.Equal(isPrimary, Read(flags).AreNodePortsOnPrimary);
    }

    [Fact]
    public void Of_a_flag_that_comes_twice_the_last_counts()
    {
        Assert.Equal("/b", Read("--bpffs=/a", "--bpffs=/b").BpfFileSystem);
    }

    [Fact]
    public void A_flag_that_means_nothing_here_is_named_with_why_where_it_is_not_the_default()
    {
        Read("--ipvs-strict-arp=true", "--ipvs-scheduler=rr", "--iptables-min-sync-period=1s", "--config-sync-period=15m0s", "--profiling=false");

        Assert.Empty(_problems.Errors);
        Assert.Equal(
            ["ipvs.scheduler=rr has no effect: a backend is picked at random", "ipvs.strictARP=true has no effect: no service address is put on a device"],
            _problems.Warnings.Order(StringComparer.Ordinal));
    }

    /// <summary>Beside a file too, whose own address stays the address of its port.</summary>
    [Theory]
    [InlineData("metricsBindAddress: 127.0.0.1:10249", "0.0.0.0:10249")]
    [InlineData("metricsBindAddress: 10.0.0.1:9100", "0.0.0.0:9100")]
    [InlineData("metricsBindAddress: \"\"", "0.0.0.0:10249")]
    [InlineData("{bindAddress: \"::\", metricsBindAddress: \"[::1]:9100\"}", "[::]:9100")]
    public void Metrics_are_opened_whatever_address_the_file_has(string fields, string expected)
    {
        string file = Path.Combine(_folder, "config.conf");
        string text = fields.Trim('{', '}').Replace(", ", "\n", StringComparison.Ordinal);
        File.WriteAllText(file, $"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{text}\n");

        Assert.Equal(expected, Read($"--config={file}", "--open-metrics").Metrics.ToString());
        Assert.Empty(_problems.Errors);
        Assert.Empty(_problems.Warnings);
    }

    /// <summary>The table of reference CF-10; the flags alone change no address that has a port, and the defaults have one.</summary>
    [Theory]
    [InlineData("1.2.3.4", 12345, "1.2.3.4:12345")]
    [InlineData("1.2.3.4:12345", 23456, "1.2.3.4:12345")]
    [InlineData("fd00:1::5", 12345, "[fd00:1::5]:12345")]
    [InlineData("[fd00:1::5]:12345", 56789, "[fd00:1::5]:12345")]
    [InlineData("", 12345, null)]
    public void The_deprecated_ports_count_where_the_address_has_none(string address, int port, string? expected)
    {
        var options = Read($"--healthz-bind-address={address}", $"--healthz-port={port}", $"--metrics-port={port}", $"--metrics-bind-address={address}");

        Assert.Empty(_problems.Errors);
        Assert.Equal(expected ?? "0.0.0.0:10256", options.Healthz.ToString());
        Assert.Equal(expected ?? "127.0.0.1:10249", options.Metrics.ToString());
    }

    [Fact]
    public void The_port_0_means_no_health_server_and_no_start_without_metrics()
    {
        var options = Read("--healthz-port=0", "--metrics-port=0");

        Assert.False(options.ServesHealthz);
        Assert.Equal("--metrics-bind-address: Invalid value: \"\": must be IP:port", Assert.Single(_problems.Errors));
    }

    /// <summary>Reference CF-12 and 4.2: what the flags of the periods are for.</summary>
    [Theory]
    [InlineData("", 36, 3)]
    [InlineData("iptables", 36, 3)]
    [InlineData("nftables", 36, 3)]
    [InlineData("ebpf", 36, 3)]
    [InlineData("ipvs", 16, 7)]
    public void Of_the_flags_of_the_periods_those_of_the_mode_count(string mode, int period, int minimum)
    {
        var options = Read(
            $"--proxy-mode={mode}", "--iptables-sync-period=36s", "--iptables-min-sync-period=3s", "--ipvs-sync-period=16s", "--ipvs-min-sync-period=7s");

        Assert.Empty(_problems.Errors);
        Assert.Equal((period, minimum), (options.SyncPeriod.TotalSeconds, options.MinSyncPeriod.TotalSeconds));
    }

    [Theory]
    [InlineData("AllowServiceExternalIPs=false", false)]
    [InlineData("AllowServiceExternalIPs=true,AllAlpha=false", true)]
    [InlineData("ContextualLogging=true", true)]
    [InlineData("ShardedListAndWatch=true,DeclarativeValidationBeta=false", true)]
    public void Gates_of_Kubernetes_are_accepted_and_one_has_a_meaning(string gates, bool allowsExternalIPs)
    {
        Assert.Equal(allowsExternalIPs, Read($"--feature-gates={gates}").AllowsExternalIPs);
        Assert.Empty(_problems.Errors);
        Assert.Empty(_problems.Warnings);
    }

    [Fact]
    public void A_gate_that_is_not_known_here_is_a_warning_and_the_others_count()
    {
        var options = Read("--feature-gates=OfALaterKubernetes=true,AllowServiceExternalIPs=false");

        Assert.Empty(_problems.Errors);
        Assert.Equal(["--feature-gates: unrecognized feature gate, which has no effect: OfALaterKubernetes"], _problems.Warnings);
        Assert.False(options.AllowsExternalIPs);
    }

    [Theory]
    [InlineData("--healthz-bind-address=1.2.3", "--healthz-bind-address: \"1.2.3\" is not an IP address with a port from 1 to 65535")]
    [InlineData("--metrics-bind-address=127.0.0.1:0", "--metrics-bind-address: \"127.0.0.1:0\" is not")]
    [InlineData("--metrics-bind-address=fd00::1:99999", "--metrics-bind-address: \"fd00::1:99999\" is not")]
    [InlineData("--cluster-cidr=10.0.0.0", "--cluster-cidr: \"10.0.0.0\" is not a CIDR prefix")]
    [InlineData("--cluster-cidr=10.0.0.0/8,10.1.0.0/16", "--cluster-cidr: at most one prefix a family")]
    [InlineData("--detect-local-mode=Magic", "--detect-local-mode: \"Magic\" is not one of ClusterCIDR")]
    [InlineData("--detect-local-mode=InterfaceNamePrefix", "--pod-interface-name-prefix: must be set for this --detect-local-mode")]
    [InlineData("--node-ip=me", "--node-ip: \"me\" is not an IP address")]
    [InlineData("--master=:foo", "--master: \":foo\" is not the address of a server")]
    [InlineData("--masquerade-ports=1024-30000", "--masquerade-ports: 1024-30000 must have no port of --service-node-port-range, which is 30000-32767")]
    [InlineData("--masquerade-ports=99999", "--masquerade-ports: \"99999\" is not a range of ports")]
    [InlineData("--proxy-mode=magic", "--proxy-mode: \"magic\" is not one of iptables, ipvs, nftables")]
    [InlineData("--manifests=/does/not/exist", "--manifests: there is no folder /does/not/exist")]
    [InlineData("--config=/does/not/exist", "--config: cannot read /does/not/exist")]
    [InlineData("--feature-gates=PreferSameTrafficDistribution=false", "--feature-gates: cannot set feature gate PreferSameTrafficDistribution to false, feature is locked to true")]
    [InlineData("--feature-gates=AllAlpha", "--feature-gates: \"AllAlpha\" has no value")]
    [InlineData("--feature-gates=AllAlpha=maybe", "--feature-gates.AllAlpha: \"maybe\" is not true or false")]
    [InlineData("--oom-score-adj=-1001", "--oom-score-adj: Invalid value: -1001: must be within the range [-1000, 1000]")]
    [InlineData("--iptables-masquerade-bit=32", "--iptables-masquerade-bit: Invalid value: 32: must be within the range [0, 31]")]
    [InlineData("--conntrack-min=-1", "--conntrack-min: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("--ipvs-exclude-cidrs=10.0.0.0", "--ipvs-exclude-cidrs: \"10.0.0.0\" is not a CIDR prefix")]
    [InlineData("--ipvs-tcp-timeout=-1s", "--ipvs-tcp-timeout: Invalid value: -1s: must be greater than or equal to 0")]
    [InlineData("--show-hidden-metrics-for-version=new", "--show-hidden-metrics-for-version: Invalid value: new: must be omitted or a minor version")]
    [InlineData("-v=many", "-v: \"many\" is not a number")]
    [InlineData("--bind-address-hard-fail=maybe", "--bind-address-hard-fail: \"maybe\" is not true or false")]
    [InlineData("--iptables-sync-period=5", "--iptables-sync-period: \"5\" is not a duration")]
    public void A_value_that_makes_no_sense_is_named_by_its_flag(string flag, string error)
    {
        Read(flag);

        Assert.Contains(error, Assert.Single(_problems.Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("detectLocalMode: BridgeInterface", "", "detectLocal.bridgeInterface: must be set for this detectLocalMode")]
    [InlineData("clusterCIDR: 10.0.0.0/8,10.1.0.0/16", "", "clusterCIDR: at most one prefix a family")]
    [InlineData("clusterCIDR: 10.0.0.0/8", "--masquerade-ports=1024-30000", "--masquerade-ports: 1024-30000 must have no port of serviceNodePortRange")]
    public void What_does_not_fit_together_is_named_as_it_was_given(string fields, string flag, string error)
    {
        string file = Path.Combine(_folder, "config.conf");
        File.WriteAllText(file, $"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{fields}\n");

        Read([$"--config={file}", .. flag.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.StartsWith(error, Assert.Single(_problems.Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--no-such-flag")]
    [InlineData("positional")]
    public void Unknown_flags_and_arguments_are_errors(string argument)
    {
        Assert.NotEmpty(Parse(out _, argument).Errors);
    }

    [Fact]
    public void Beside_a_file_only_the_flags_count_that_count_for_kube_proxy_and_ours()
    {
        string file = Path.Combine(_folder, "config.conf");
        File.WriteAllText(file, """
            apiVersion: kubeproxy.config.k8s.io/v1alpha1
            kind: KubeProxyConfiguration
            hostnameOverride: from-file
            clusterCIDR: 10.0.0.0/8
            clientConnection: {kubeconfig: /file}
            """);

        var options = Read($"--config={file}", "--hostname-override=from-flag", "--cluster-cidr=11.0.0.0/8", "--kubeconfig=/flag", "--bpffs=/b", "-v=3");

        Assert.Equal("from-flag", options.HostnameOverride);
        Assert.Equal("10.0.0.0/8", Assert.Single(options.ClusterCidrs).ToString());
        Assert.Equal("/file", options.Kubeconfig);
        Assert.Equal(("/b", 3), (options.BpfFileSystem, options.Verbosity));
        Assert.Contains("--kubeconfig, --cluster-cidr", Assert.Single(_problems.Warnings), StringComparison.Ordinal);
    }

    private static ParseResult Parse(out RunFlags flags, params string[] arguments)
    {
        var command = new RootCommand();
        flags = new RunFlags(command);
        return command.Parse(Arguments.Normalize(["run", .. arguments])[1..], new ParserConfiguration { ResponseFileTokenReplacer = null });
    }

    private ProxyOptions Read(params string[] arguments)
    {
        var result = Parse(out var flags, arguments);
        Assert.Empty(result.Errors);
        return flags.Read(result, _problems);
    }
}
