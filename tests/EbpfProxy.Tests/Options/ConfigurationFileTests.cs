using EbpfProxy.Controller.Manifests;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

public sealed class ConfigurationFileTests
{
    private const string Header = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

    private readonly Problems _problems = new();

    [Fact]
    public void The_file_that_kubeadm_writes_is_read_without_a_word()
    {
        var options = Parse(Header + """
            bindAddress: 0.0.0.0
            bindAddressHardFail: false
            clientConnection:
              acceptContentTypes: ""
              burst: 0
              contentType: ""
              kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
              qps: 0
            clusterCIDR: 10.244.0.0/16
            configSyncPeriod: 0s
            conntrack:
              maxPerCore: null
              min: null
              tcpBeLiberal: false
              tcpCloseWaitTimeout: null
            detectLocal:
              bridgeInterface: ""
              interfaceNamePrefix: ""
            detectLocalMode: ""
            enableProfiling: false
            healthzBindAddress: ""
            hostnameOverride: ""
            iptables:
              localhostNodePorts: null
              masqueradeAll: false
              masqueradeBit: null
              minSyncPeriod: 0s
              syncPeriod: 0s
            logging:
              flushFrequency: 0
              options:
                json:
                  infoBufferSize: "0"
              verbosity: 0
            metricsBindAddress: ""
            mode: ""
            nodePortAddresses: null
            oomScoreAdj: null
            portRange: ""
            showHiddenMetricsForVersion: ""
            winkernel: {enableDSR: false}
            """);

        Assert.Empty(_problems.Errors);
        Assert.Empty(_problems.Warnings);
        Assert.Equal("/var/lib/kube-proxy/kubeconfig.conf", options.Kubeconfig);
        Assert.Equal("10.244.0.0/16", Assert.Single(options.ClusterCidrs).ToString());
        Assert.Null(options.HostnameOverride);
        Assert.Equal("0.0.0.0:10256", options.Healthz.ToString());
        Assert.Equal("127.0.0.1:10249", options.Metrics.ToString());
    }

    [Fact]
    public void Zero_requests_a_second_stand_for_the_default()
    {
        var options = Parse(Header + "clientConnection: {qps: 0, burst: 0}");

        Assert.Equal((5, 10), (options.Qps, options.Burst));
    }

    [Fact]
    public void The_family_of_the_bind_address_decides_the_default_addresses()
    {
        var options = Parse(Header + "bindAddress: \"::\"");

        Assert.Equal("[::]:10256", options.Healthz.ToString());
        Assert.Equal("[::1]:10249", options.Metrics.ToString());
    }

    [Theory]
    [InlineData("", 10)]
    [InlineData("iptables", 10)]
    [InlineData("nftables", 20)]
    [InlineData("ipvs", 30)] // the default: its own section is not there
    public void The_sync_period_of_the_chosen_mode_counts(string mode, int seconds)
    {
        var options = Parse($"{Header}mode: \"{mode}\"\niptables: {{syncPeriod: 10s}}\nnftables: {{syncPeriod: 20s}}");

        Assert.Equal(seconds, options.SyncPeriod.TotalSeconds);
    }

    [Fact]
    public void Unknown_fields_are_named_in_one_warning()
    {
        Parse(Header + "foo: 1\nclientConnection: {bar: 2}\niptables: {baz: 3}");

        Assert.Empty(_problems.Errors);
        Assert.Contains("foo, clientConnection.bar", Assert.Single(_problems.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Our_own_settings_are_a_second_document()
    {
        var options = Parse(Header + "hostnameOverride: n\n---\nkind: EbpfProxyConfiguration\nbpffs: /b\ncgroupRoot: /c\ndevices: [eth0]\nnodeIPs: [10.0.0.1]");

        Assert.Empty(_problems.Errors);
        Assert.Equal(("n", "/b", "/c"), (options.HostnameOverride, options.BpfFileSystem, options.CgroupRoot));
        Assert.Equal("eth0", Assert.Single(options.Devices));
        Assert.Equal("10.0.0.1", Assert.Single(options.NodeIPs).ToString());
    }

    [Theory]
    [InlineData("[\"primary\"]", true, 0)]
    [InlineData("[\"10.0.0.0/8\", \"fd00::/64\"]", false, 2)]
    [InlineData("[]", false, 0)]
    public void Node_port_addresses_are_prefixes_or_primary(string value, bool isPrimary, int prefixes)
    {
        var options = Parse($"{Header}nodePortAddresses: {value}");

        Assert.Equal((isPrimary, prefixes), (options.AreNodePortsOnPrimary, options.NodePortAddresses.Count));
    }

    [Theory]
    [InlineData("auto", FastPathMode.Auto)]
    [InlineData("on", FastPathMode.On)]
    [InlineData("off", FastPathMode.Off)]
    public void Fast_path_is_one_of_three_words(string value, FastPathMode mode)
    {
        var options = Parse($"kind: EbpfProxyConfiguration\nfastPath: {value}");

        Assert.Equal((mode, 0), (options.FastPath, _problems.Errors.Count));
    }

    [Theory]
    [InlineData("healthzBindAddress: foo", "healthzBindAddress: \"foo\" is not")]
    [InlineData("clusterCIDR: 10.0.0.0/33", "clusterCIDR: \"10.0.0.0/33\" is not a CIDR prefix")]
    [InlineData("detectLocalMode: x", "detectLocalMode: \"x\" is not one of")]
    [InlineData("nodePortAddresses: [primary, 10.0.0.0/8]", "nodePortAddresses: \"primary\" is not a CIDR prefix")]
    public void A_value_that_makes_no_sense_is_named_by_its_field(string line, string error)
    {
        Parse(Header + line);

        Assert.Contains(error, Assert.Single(_problems.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_kind_is_refused()
    {
        Parse("apiVersion: v1\nkind: ConfigMap");

        Assert.Contains("no kind", Assert.Single(_problems.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_yaml_is_refused()
    {
        Assert.Throws<YamlFormatException>(() => Parse(Header + "bindAddress: ::\n  x"));
    }

    private ProxyOptions Parse(string text) => ConfigurationFile.Parse(text, new ProxyOptions(), _problems);
}
