using System.Net;
using static EbpfProxy.Options.SettingShape;

namespace EbpfProxy.Options;

/// <summary>kube-proxy's settings of what it asks and what it answers.</summary>
internal static class ServerSettings
{
    private const string Json = "objects are asked for as JSON";
    private const string Lines = "lines are written to the standard error, each at once";

    public static IReadOnlyList<Setting> All { get; } =
    [
        new("feature-gates", "featureGates", Gates, "AllowServiceExternalIPs=false takes the external IPs of Services away; the other gates of Kubernetes are accepted",
            (o, v) => o with { FeatureGates = KubernetesGates.Read(o.FeatureGates, v) })
            { Show = o => o.FeatureGates.IsEmpty ? Setting.Omitted : o.FeatureGates, Default = "none" },
        new("kubeconfig", "clientConnection.kubeconfig", Text, "path of the kubeconfig with the address and credentials of the API server",
            (o, v) => o with { Kubeconfig = v.AsPath() })
            { Show = o => o.Kubeconfig ?? "", Default = "the pod's service account", ValueName = ValueNames.File },
        new("master", null, Text, "address of the API server; several are tried in turn",
            (o, v) => o with { Masters = v.AsServers() })
            { CountsBesideFile = true, Default = "that of the kubeconfig" },
        UnusedSetting.Create(null, "clientConnection.acceptContentTypes", Text, "", Json),
        UnusedSetting.Create("kube-api-content-type", "clientConnection.contentType", Text, "application/vnd.kubernetes.protobuf", Json),
        new("kube-api-qps", "clientConnection.qps", Number, "requests a second to the API server",
            (o, v) => v.AsDouble(o.Qps) is var qps && qps == 0 ? o : o with { Qps = qps })
            { Show = o => o.Qps },
        new("kube-api-burst", "clientConnection.burst", Integer, "requests at once to the API server",
            (o, v) => v.AsIntWithin(0, int.MaxValue, o.Burst) is var burst && burst == 0 ? o : o with { Burst = burst })
            { Show = o => o.Burst },
        new("logging-format", "logging.format", Text, "text or json",
            (o, v) => o with { LogFormat = v.AsOneOf(o.LogFormat, ("", LogFormat.Text), ("text", LogFormat.Text), ("json", LogFormat.Json)) })
            { Show = o => o.LogFormat == LogFormat.Json ? "json" : "text", CountsBesideFile = true, Words = ["text", "json"] },
        UnusedSetting.Create("log-flush-frequency", "logging.flushFrequency", LooseDuration, TimeSpan.FromSeconds(5), Lines) with { CountsBesideFile = true },
        new("v", "logging.verbosity", Integer, "4 tells of every change, 6 of every event",
            (o, v) => o with { Verbosity = v.AsInt(0, o.Verbosity) })
            { Show = o => o.Verbosity, CountsBesideFile = true },
        UnusedSetting.Create("vmodule", "logging.vmodule", FileLevels, Setting.Omitted, "the verbosity is one for all: -v") with { CountsBesideFile = true },
        UnusedSetting.Create("log-text-split-stream", "logging.options.text.splitStream", Switch, false, Lines) with { CountsBesideFile = true },
        UnusedSetting.Create("log-text-info-buffer-size", "logging.options.text.infoBufferSize", Quantity, "0", Lines) with { CountsBesideFile = true },
        UnusedSetting.Create("log-json-split-stream", "logging.options.json.splitStream", Switch, false, Lines) with { CountsBesideFile = true },
        UnusedSetting.Create("log-json-info-buffer-size", "logging.options.json.infoBufferSize", Quantity, "0", Lines) with { CountsBesideFile = true },
        new("hostname-override", "hostnameOverride", Text, "the name of the Node object",
            (o, v) => o with { HostnameOverride = v.Texts.Count == 0 || v.AsText().Length == 0 ? o.HostnameOverride : v.AsText() })
            { Show = o => o.HostnameOverride ?? "", CountsBesideFile = true, Default = "the host's name" },
        new("bind-address", "bindAddress", Text, "the family of the two addresses below; unless unspecified, the node IP of its family",
            (o, v) => o with { BindAddress = v.AsAddress(o.BindAddress) })
            { Show = o => o.BindAddress.ToString() },
        new("healthz-bind-address", "healthzBindAddress", Text, "where /healthz, /livez and /readyz are served",
            (o, v) => o with { HealthzBindAddress = v.AsEndPoint() ?? o.HealthzBindAddress })
            { Show = o => o.ServesHealthz ? o.Healthz.ToString() : "" },
        new("healthz-port", null, Integer, "deprecated: the port of --healthz-bind-address where it has none; 0 for no such server",
            (o, v) => o with { HealthzPort = v.AsIntWithin(0, IPEndPoint.MaxPort, o.HealthzPort) })
            { Default = $"{ProxyOptions.DefaultHealthzPort}" },
        new("metrics-bind-address", "metricsBindAddress", Text, "where /metrics is served",
            (o, v) => o with { MetricsBindAddress = v.AsEndPoint() ?? o.MetricsBindAddress })
            { Show = o => o.MetricsPort == 0 ? "" : o.Metrics.ToString() },
        new("metrics-port", null, Integer, "deprecated: the port of --metrics-bind-address where it has none",
            (o, v) => o with { MetricsPort = v.AsIntWithin(0, IPEndPoint.MaxPort, o.MetricsPort) })
            { Default = $"{ProxyOptions.DefaultMetricsPort}" },
        new("bind-address-hard-fail", "bindAddressHardFail", Switch, "end where one of these addresses cannot be had, instead of trying on",
            (o, v) => o with { BindAddressHardFail = v.AsBool(o.BindAddressHardFail) })
            { Show = o => o.BindAddressHardFail },
        UnusedSetting.Create("profiling", "enableProfiling", Switch, false, "there is no Go run-time to look into"),
        UnusedSetting.Create("show-hidden-metrics-for-version", "showHiddenMetricsForVersion", Text, "", "no metric is hidden", Version),
    ];

    private static string Version(SettingValue value)
    {
        string text = value.AsText();
        string[] parts = text.Split('.');
        if (text.Length > 0 && (parts.Length != 2 || !parts.All(part => part.Length > 0 && part.All(char.IsAsciiDigit))))
        {
            value.Refuse($"Invalid value: {text}: must be omitted or a minor version, as in \"1.35\"");
        }

        return text;
    }
}
