using System.Text.Json.Nodes;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

public sealed class EffectiveConfigurationTests
{
    private readonly Problems _problems = new();

    [Fact]
    public void Without_a_word_it_is_kube_proxys_defaults()
    {
        var defaults = EffectiveConfiguration.Of(new ProxyOptions());

        Assert.Equal(
            """
            {"kind":"KubeProxyConfiguration","apiVersion":"kubeproxy.config.k8s.io/v1alpha1",
            "clientConnection":{"kubeconfig":"","acceptContentTypes":"","contentType":"application/vnd.kubernetes.protobuf","qps":5,"burst":10},
            "logging":{"format":"text","flushFrequency":"5s","verbosity":0,"options":{"text":{"splitStream":false,"infoBufferSize":"0"},"json":{"splitStream":false,"infoBufferSize":"0"}}},
            "hostnameOverride":"","bindAddress":"0.0.0.0","healthzBindAddress":"0.0.0.0:10256","metricsBindAddress":"127.0.0.1:10249",
            "bindAddressHardFail":false,"enableProfiling":false,"showHiddenMetricsForVersion":"","mode":"",
            "iptables":{"masqueradeBit":14,"masqueradeAll":false,"localhostNodePorts":true,"syncPeriod":"30s","minSyncPeriod":"1s"},
            "ipvs":{"syncPeriod":"30s","minSyncPeriod":"0s","scheduler":"","excludeCIDRs":null,"strictARP":false,"tcpTimeout":"0s","tcpFinTimeout":"0s","udpTimeout":"0s"},
            "nftables":{"masqueradeBit":14,"masqueradeAll":false,"syncPeriod":"30s","minSyncPeriod":"1s"},
            "winkernel":{"networkName":"","sourceVip":"","enableDSR":false,"rootHnsEndpointName":"","forwardHealthCheckVip":false},
            "detectLocalMode":"ClusterCIDR","detectLocal":{"bridgeInterface":"","interfaceNamePrefix":""},"clusterCIDR":"","nodePortAddresses":null,
            "oomScoreAdj":-999,
            "conntrack":{"maxPerCore":32768,"min":131072,"tcpEstablishedTimeout":"24h0m0s","tcpCloseWaitTimeout":"1h0m0s","tcpBeLiberal":false,"udpTimeout":"0s","udpStreamTimeout":"0s"},
            "configSyncPeriod":"15m0s","portRange":""}
            """.ReplaceLineEndings(""),
            defaults.ToJsonString());
    }

    [Fact]
    public void Read_again_it_is_the_same_and_silent()
    {
        var options = Parse(EveryField);

        var written = EffectiveConfiguration.Of(options);
        var again = EffectiveConfiguration.Of(Parse(YamlText.Of(written)));

        Assert.Empty(_problems.Errors);
        Assert.Equal(written.ToJsonString(), again.ToJsonString());
        Assert.True(JsonNode.DeepEquals(written, JsonNode.Parse(EveryField)), YamlText.Of(written));
    }

    [Theory]
    [InlineData("nodePortAddresses: [primary]", "nodePortAddresses", "[\"primary\"]")]
    [InlineData("bindAddress: \"::\"", "healthzBindAddress", "\"[::]:10256\"")]
    [InlineData("healthzBindAddress: 1.2.3.4", "healthzBindAddress", "\"1.2.3.4:10256\"")]
    [InlineData("conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s}", "conntrack.maxPerCore", "0")]
    [InlineData("conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s}", "conntrack.tcpEstablishedTimeout", "\"0s\"")]
    [InlineData("configSyncPeriod: 0s", "configSyncPeriod", "\"15m0s\"")]
    [InlineData("iptables: {syncPeriod: 0s, minSyncPeriod: 0s}", "iptables.minSyncPeriod", "\"1s\"")]
    [InlineData("ipvs: {syncPeriod: 0s, minSyncPeriod: 0s}", "ipvs.minSyncPeriod", "\"0s\"")]
    [InlineData("clientConnection: {qps: 0.5}", "clientConnection.qps", "0.5")]
    public void A_field_is_shown_as_kube_proxy_defaults_it(string yaml, string path, string expected)
    {
        JsonNode? node = EffectiveConfiguration.Of(Parse($"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{yaml}"));

        foreach (string name in path.Split('.'))
        {
            node = node![name];
        }

        Assert.Empty(_problems.Errors);
        Assert.Equal(expected, node!.ToJsonString());
    }

    [Fact]
    public void The_file_has_what_is_ours_and_not_the_default()
    {
        string file = EffectiveConfiguration.FileOf(Parse(EveryField + "\n---\n" + OurFields));

        Assert.Empty(_problems.Errors);
        Assert.EndsWith("---\n" + OurFields.ReplaceLineEndings("\n") + "\n", file, StringComparison.Ordinal);
        Assert.Equal(file, EffectiveConfiguration.FileOf(Parse(file)));
        Assert.DoesNotContain("EbpfProxyConfiguration", EffectiveConfiguration.FileOf(Parse(EveryField)), StringComparison.Ordinal);
        Assert.All(OwnSettings.All, setting => Assert.Contains($"\n{setting.Path}:", "\n" + OurFields, StringComparison.Ordinal));
    }

    private const string OurFields =
        """
        bpffs: /b
        cgroupRoot: /c
        devices:
        - "eth*"
        - "!docker0"
        fastPath: "off"
        hostProc: /host/proc
        kind: EbpfProxyConfiguration
        leaveDeviceAddresses: false
        localhostNodePorts: tcp4
        manifests: /m
        masqueradePorts: "2000-2999"
        maxConnections: 4096
        nodeIPs:
        - "10.0.0.1"
        - "fd00::1"
        openMetrics: true
        preserveClientAddress: true
        reserveNodePorts: true
        serviceMetricsLimit: 0
        serviceNodePortRange: "40000-40999"
        socketBytes: true
        socketTranslation: host
        statusPage: true
        takeover: false
        """;

    private const string EveryField =
        """
        {"kind":"KubeProxyConfiguration","apiVersion":"kubeproxy.config.k8s.io/v1alpha1","featureGates":{"AllAlpha":false,"AllowServiceExternalIPs":false},
        "clientConnection":{"kubeconfig":"/k","acceptContentTypes":"a","contentType":"application/json","qps":7.5,"burst":11},
        "logging":{"format":"json","flushFrequency":"1.5s","verbosity":3,"vmodule":[{"filePattern":"a*","verbosity":2}],"options":{"text":{"splitStream":true,"infoBufferSize":"1Ki"},"json":{"splitStream":true,"infoBufferSize":"2"}}},
        "hostnameOverride":"no: de","bindAddress":"fd00::1","healthzBindAddress":"[::1]:1","metricsBindAddress":"127.0.0.1:2",
        "bindAddressHardFail":true,"enableProfiling":true,"showHiddenMetricsForVersion":"1.35","mode":"nftables",
        "iptables":{"masqueradeBit":0,"masqueradeAll":true,"localhostNodePorts":false,"syncPeriod":"1m0s","minSyncPeriod":"250ms"},
        "ipvs":{"syncPeriod":"31s","minSyncPeriod":"2s","scheduler":"rr","excludeCIDRs":["10.0.0.0/8"],"strictARP":true,"tcpTimeout":"1s","tcpFinTimeout":"2s","udpTimeout":"3s"},
        "nftables":{"masqueradeBit":31,"masqueradeAll":true,"syncPeriod":"32s","minSyncPeriod":"3s"},
        "winkernel":{"networkName":"n","sourceVip":"10.0.0.1","enableDSR":true,"rootHnsEndpointName":"r","forwardHealthCheckVip":true},
        "detectLocalMode":"BridgeInterface","detectLocal":{"bridgeInterface":"cni0","interfaceNamePrefix":"veth"},"clusterCIDR":"10.244.0.0/16,fd00:10:244::/56","nodePortAddresses":["10.0.0.0/8","fd00::/16"],
        "oomScoreAdj":-5,
        "conntrack":{"maxPerCore":1,"min":2,"tcpEstablishedTimeout":"3h0m0s","tcpCloseWaitTimeout":"4m0s","tcpBeLiberal":true,"udpTimeout":"5s","udpStreamTimeout":"6s"},
        "configSyncPeriod":"7m0s","portRange":"1-2","windowsRunAsService":true}
        """;

    private ProxyOptions Parse(string text) => ConfigurationFile.Parse(text, new ProxyOptions(), _problems);
}
