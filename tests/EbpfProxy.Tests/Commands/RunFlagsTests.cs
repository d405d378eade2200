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
    public void Flags_of_kube_proxy_that_mean_nothing_here_are_accepted_and_named_in_one_warning()
    {
        Read("--conntrack-min=0", "--ipvs-strict-arp=true", "--oom-score-adj=-999");

        Assert.Empty(_problems.Errors);
        string warning = Assert.Single(_problems.Warnings);
        Assert.Contains("--conntrack-min, --ipvs-strict-arp, --oom-score-adj", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--healthz-bind-address=1.2.3", "--healthz-bind-address: \"1.2.3\" is not an IP address with a port from 1 to 65535")]
    [InlineData("--metrics-bind-address=127.0.0.1:0", "--metrics-bind-address: \"127.0.0.1:0\" is not")]
    [InlineData("--metrics-bind-address=fd00::1:99999", "--metrics-bind-address: \"fd00::1:99999\" is not")]
    [InlineData("--cluster-cidr=10.0.0.0", "--cluster-cidr: \"10.0.0.0\" is not a CIDR prefix")]
    [InlineData("--cluster-cidr=10.0.0.0/8,10.1.0.0/16", "clusterCIDR: at most one prefix a family")]
    [InlineData("--detect-local-mode=Magic", "--detect-local-mode: \"Magic\" is not one of ClusterCIDR")]
    [InlineData("--detect-local-mode=InterfaceNamePrefix", "detectLocal.interfaceNamePrefix: must be set")]
    [InlineData("--node-ip=me", "--node-ip: \"me\" is not an IP address")]
    [InlineData("--master=:foo", "--master: \":foo\" is not the address of a server")]
    [InlineData("--masquerade-ports=1024-30000", "masqueradePorts: 1024-30000 must have no port of --service-node-port-range, which is 30000-32767")]
    [InlineData("--masquerade-ports=99999", "--masquerade-ports: \"99999\" is not a range of ports")]
    [InlineData("--proxy-mode=magic", "--proxy-mode: \"magic\" is not one of iptables, ipvs, nftables")]
    [InlineData("--manifests=/does/not/exist", "--manifests: there is no folder /does/not/exist")]
    [InlineData("--config=/does/not/exist", "--config: cannot read /does/not/exist")]
    [InlineData("-v=many", "--v: \"many\" is not a number")]
    [InlineData("--bind-address-hard-fail=maybe", "--bind-address-hard-fail: \"maybe\" is not true or false")]
    [InlineData("--iptables-sync-period=5", "--iptables-sync-period: \"5\" is not a duration")]
    public void A_value_that_makes_no_sense_is_named_by_its_flag(string flag, string error)
    {
        Read(flag);

        Assert.Contains(error, Assert.Single(_problems.Errors), StringComparison.Ordinal);
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
        return command.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
    }

    private ProxyOptions Read(params string[] arguments)
    {
        var result = Parse(out var flags, arguments);
        Assert.Empty(result.Errors);
        return flags.Read(result, _problems);
    }
}
