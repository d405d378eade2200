using EbpfProxy.Controller.Manifests;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Options;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.Tests.Options;

public sealed class ConfigurationFileTests
{
    private const string Header = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

    private readonly Problems _problems = new();

    [Fact]
    public void The_file_that_kubeadm_writes_is_read_without_a_word()
    {
        var options = Parse(KubeadmFile.Text);

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
    [InlineData("ebpf", 20)]
    [InlineData("ipvs", 30)] // the default: its own section is not there
    public void The_sync_period_of_the_chosen_mode_counts(string mode, int seconds)
    {
        var options = Parse($"{Header}mode: \"{mode}\"\niptables: {{syncPeriod: 10s}}\nnftables: {{syncPeriod: 20s}}");

        Assert.Equal(seconds, options.SyncPeriod.TotalSeconds);
    }

    [Fact]
    public void Unknown_fields_are_named_by_path_in_one_warning()
    {
        Parse(Header + "foo: 1\nclientConnection: {bar: 2}\niptables: {baz: {a: 3}}\nmetadata: {name: x}");

        Assert.Empty(_problems.Errors);
        Assert.Equal(
            "Using lenient decoding, as strict decoding failed: unknown field: foo, clientConnection.bar, iptables.baz, metadata",
            Assert.Single(_problems.Warnings));
    }

    [Fact]
    public void Of_a_field_that_is_there_twice_the_last_counts_and_it_is_named()
    {
        var options = Parse(Header + "mode: iptables\nmode: nftables\nconntrack:\n  min: 1\n  min: 2\n---\nkind: EbpfProxyConfiguration\nbpffs: /b");

        Assert.Empty(_problems.Errors);
        Assert.Equal("Using lenient decoding, as strict decoding failed: field is set more than once: mode, conntrack.min", Assert.Single(_problems.Warnings));
        Assert.Equal(("nftables", 2, "/b"), (options.Mode, options.Conntrack.Min, options.BpfFileSystem));
    }

    [Theory]
    [InlineData("bpfs: /b", "bpfs: unknown field of EbpfProxyConfiguration")]
    [InlineData("bpffs: /a\nbpffs: /b", "bpffs: field is set more than once of EbpfProxyConfiguration")]
    [InlineData("devices: eth0", "devices: Invalid value: eth0: must be a list of strings")]
    [InlineData("fastPath: true", "fastPath: Invalid value: true: must be a string")]
    public void Our_own_document_is_read_strictly(string yaml, string error)
    {
        Parse($"{Header}---\nkind: EbpfProxyConfiguration\n{yaml}");

        Assert.Equal(error, Assert.Single(_problems.Errors));
    }

    [Fact]
    public void What_means_nothing_here_is_named_by_its_field_where_it_is_not_the_default()
    {
        var options = Parse(Header + "ipvs: {scheduler: rr, strictARP: false}\niptables: {masqueradeBit: 14}\nconfigSyncPeriod: 1m\nwinkernel: {enableDSR: true}");

        _problems.WarnOfNoEffect(options);

        Assert.Equal(
            [
                "configSyncPeriod=1m0s has no effect: nothing is listed again as long as it can be followed",
                "ipvs.scheduler=rr has no effect: a backend is picked at random",
                "winkernel.enableDSR=true has no effect: only on Windows",
            ],
            _problems.Warnings.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        Parse(Header + "mode: magic\nbindAddress: 1.2.3\niptables: {masqueradeBit: 32}\nconntrack: {min: -1}");

        Assert.Equal(4, _problems.Errors.Count);
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

    /// <summary>Kubernetes' tools read YAML 1.1.</summary>
    [Theory]
    [InlineData("yes", true)]
    [InlineData("On", true)]
    [InlineData("no", false)]
    [InlineData("OFF", false)]
    public void A_switch_may_be_said_in_any_word_of_yaml(string word, bool isOn)
    {
        var options = Parse($"{Header}bindAddressHardFail: {word}\nfeatureGates: {{AllowServiceExternalIPs: {word}}}");

        Assert.Equal((isOn, isOn, 0), (options.BindAddressHardFail, options.AllowsExternalIPs, _problems.Errors.Count));
    }

    [Theory]
    [InlineData("", "iptables", "iptables.syncPeriod")]
    [InlineData("mode: ipvs", "ipvs", "ipvs.syncPeriod")]
    [InlineData("mode: nftables", "nftables", "nftables.syncPeriod")]
    [InlineData("", "ipvs", null)]
    [InlineData("mode: nftables", "iptables", null)]
    public void Only_the_periods_of_the_mode_have_to_fit(string mode, string section, string? field)
    {
        var options = Parse($"{Header}{mode}\n{section}: {{minSyncPeriod: 1m, syncPeriod: 30s}}");

        OptionRules.Check(options, _problems);

        Assert.Equal(field is null ? [] : [$"{field}: Invalid value: 30s: must be greater than or equal to {section}.minSyncPeriod, which is 1m0s"], _problems.Errors);
    }

    [Theory]
    [InlineData("healthzBindAddress: foo", "healthzBindAddress: \"foo\" is not")]
    [InlineData("clusterCIDR: 10.0.0.0/33", "clusterCIDR: \"10.0.0.0/33\" is not a CIDR prefix")]
    [InlineData("detectLocalMode: x", "detectLocalMode: \"x\" is not one of")]
    [InlineData("mode: magic", "mode: \"magic\" is not one of iptables, ipvs, nftables, ebpf")]
    [InlineData("mode: 5", "mode: Invalid value: 5: must be a string")]
    [InlineData("iptables: 5", "iptables: Invalid value: 5: must be a mapping of fields")]
    [InlineData("iptables: {masqueradeBit: -1}", "iptables.masqueradeBit: Invalid value: -1: must be within the range [0, 31]")]
    [InlineData("nftables: {masqueradeBit: 32}", "nftables.masqueradeBit: Invalid value: 32: must be within the range [0, 31]")]
    [InlineData("iptables: {masqueradeAll: \"true\"}", "iptables.masqueradeAll: Invalid value: true: must be true or false")]
    [InlineData("iptables: {syncPeriod: 30}", "iptables.syncPeriod: Invalid value: 30: must be a duration, as in \"1m30s\"")]
    [InlineData("iptables: {syncPeriod: -1s}", "iptables.syncPeriod: Invalid value: -1s: must be greater than 0")]
    [InlineData("ipvs: {minSyncPeriod: -1s}", "ipvs.minSyncPeriod: Invalid value: -1s: must be greater than or equal to 0")]
    [InlineData("configSyncPeriod: -1s", "configSyncPeriod: Invalid value: -1s: must be greater than 0")]
    [InlineData("oomScoreAdj: 1001", "oomScoreAdj: Invalid value: 1001: must be within the range [-1000, 1000]")]
    [InlineData("conntrack: {maxPerCore: -1}", "conntrack.maxPerCore: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("conntrack: {tcpEstablishedTimeout: -1s}", "conntrack.tcpEstablishedTimeout: Invalid value: -1s: must be greater than or equal to 0")]
    [InlineData("conntrack: {udpTimeout: -1s}", "conntrack.udpTimeout: Invalid value: -1s: must be greater than or equal to 0")]
    [InlineData("ipvs: {udpTimeout: -1s}", "ipvs.udpTimeout: Invalid value: -1s: must be greater than or equal to 0")]
    [InlineData("ipvs: {excludeCIDRs: [10.0.0.0]}", "ipvs.excludeCIDRs: \"10.0.0.0\" is not a CIDR prefix")]
    [InlineData("clientConnection: {burst: -1}", "clientConnection.burst: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("bindAddress: 10.1.0", "bindAddress: \"10.1.0\" is not an IP address")]
    [InlineData("metricsBindAddress: 127.0.0.1:0", "metricsBindAddress: \"127.0.0.1:0\" is not")]
    [InlineData("metricsBindAddress: \"localhost:10249\"", "metricsBindAddress: \"localhost:10249\" is not")]
    [InlineData("nodePortAddresses: primary", "nodePortAddresses: Invalid value: primary: must be a list of strings")]
    [InlineData("featureGates: {AllAlpha: 1}", "featureGates: Invalid value: {\"AllAlpha\":1}: must be a mapping of names to true or false")]
    [InlineData("showHiddenMetricsForVersion: v1", "showHiddenMetricsForVersion: Invalid value: v1: must be omitted or a minor version")]
    [InlineData("logging: {format: xml}", "logging.format: \"xml\" is not one of text, json")]
    [InlineData("nodePortAddresses: [primary, 10.0.0.0/8]", "nodePortAddresses: \"primary\" is not a CIDR prefix")]
    public void A_value_that_makes_no_sense_is_named_by_its_field(string line, string error)
    {
        Parse(Header + line);

        Assert.Contains(error, Assert.Single(_problems.Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "no kind: the file has no document")]
    [InlineData("apiVersion: v1\nkind: ConfigMap", "no kind \"ConfigMap\" is registered for version \"v1\"")]
    [InlineData("apiVersion: kubeproxy.config.k8s.io/v1beta1\nkind: KubeProxyConfiguration", "no kind \"KubeProxyConfiguration\" is registered for version \"kubeproxy.config.k8s.io/v1beta1\"")]
    [InlineData("[1, 2]", "no kind \"\" is registered for version \"\"")]
    [InlineData(Header + "---\n" + Header, "there are two documents of kind KubeProxyConfiguration")]
    public void Another_kind_is_refused(string text, string error)
    {
        Parse(text);

        Assert.Contains(error, Assert.Single(_problems.Errors), StringComparison.Ordinal);
    }

    /// <summary>kube-proxy's own examples (reference CF-2).</summary>
    [Theory]
    [InlineData(Header + "bindAddress: ::", "line 3, column 15: While scanning a plain scalar value, found invalid mapping")]
    [InlineData(Header + "bindAddress: 9.8.7.6\nfoo", "could not find expected ':'")]
    public void What_is_no_yaml_is_refused_with_its_place(string text, string error)
    {
        var fault = Assert.Throws<YamlFormatException>(() => Parse(text));

        Assert.Contains(error, fault.Message, StringComparison.OrdinalIgnoreCase);
    }

    private ProxyOptions Parse(string text) => ConfigurationFile.Parse(text, new ProxyOptions(), _problems);
}
