using static EbpfProxy.Options.SettingShape;

namespace EbpfProxy.Options;

/// <summary>kube-proxy's modes. There is one set of verdicts here; of the mode only some defaults are left.</summary>
internal static class ModeSettings
{
    private const string AtOnce = "a change is applied as it comes";
    private const string Unmarked = "packets are not marked";
    private const string Windows = "only on Windows";
    private const string Timeouts = "the times of the section conntrack count";
    private const string Slow = "a change that takes more than twice as long makes the proxy unhealthy";
    private const string Everyone = "masquerade whoever asks a cluster IP";

    public static IReadOnlyList<Setting> All { get; } =
    [
        new("proxy-mode", "mode", Text, "iptables (also without a word), ipvs, nftables or ebpf: the section that counts, and the defaults of nodePortAddresses and localhostNodePorts",
            (o, v) => o with { Mode = AsMode(o, v) })
            {
                Show = o => o.Mode,
                Default = "none",
                Words = [ProxyOptions.IptablesMode, ProxyOptions.IpvsMode, ProxyOptions.NftablesMode, ProxyOptions.OwnMode],
            },
        UnusedSetting.Create("iptables-masquerade-bit", "iptables.masqueradeBit", Integer, 14, Unmarked, v => v.AsIntWithin(0, 31, 14)),
        new("masquerade-all", null, Switch, $"{Everyone}, in every mode",
            (o, v) => v.AsBool(otherwise: false) is var all
                ? o with { Iptables = o.Iptables with { MasqueradesAll = all }, Nftables = o.Nftables with { MasqueradesAll = all } }
                : o)
            { Default = "false" },
        new(null, "iptables.masqueradeAll", Switch, $"{Everyone}, in the modes iptables and ipvs",
            (o, v) => o with { Iptables = o.Iptables with { MasqueradesAll = v.AsBool(o.Iptables.MasqueradesAll) } })
            { Show = o => o.Iptables.MasqueradesAll },
        new("iptables-localhost-nodeports", "iptables.localhostNodePorts", Switch, "node ports on 127.0.0.0/8 by TCP for the node itself, in the mode iptables",
            (o, v) => o with { IptablesLocalhostNodePorts = v.AsBool(o.IptablesLocalhostNodePorts) })
            { Show = o => o.IptablesLocalhostNodePorts },
        new("iptables-sync-period", null, Duration, $"{Slow}, in every mode but ipvs",
            (o, v) => v.AsPositiveDuration(o.Iptables.SyncPeriod) is var period
                ? o with { Iptables = o.Iptables with { SyncPeriod = period }, Nftables = o.Nftables with { SyncPeriod = period } }
                : o)
            { Default = "30s" },
        new(null, "iptables.syncPeriod", Duration, $"{Slow}, in the mode iptables",
            (o, v) => o with { Iptables = o.Iptables with { SyncPeriod = v.AsPositiveDuration(o.Iptables.SyncPeriod) } })
            { Show = o => o.Iptables.SyncPeriod },
        new("iptables-min-sync-period", null, Duration, AtOnce,
            (o, v) => v.AsDuration(o.Iptables.MinSyncPeriod) is var period
                ? o with { Iptables = o.Iptables with { MinSyncPeriod = period }, Nftables = o.Nftables with { MinSyncPeriod = period } }
                : o)
            { HasNoEffect = true, Show = o => o.Iptables.MinSyncPeriod },
        new(null, "iptables.minSyncPeriod", Duration, AtOnce,
            (o, v) => o with { Iptables = o.Iptables with { MinSyncPeriod = MinPeriod(v, o.Iptables.MinSyncPeriod) } })
            { HasNoEffect = true, Show = o => o.Iptables.MinSyncPeriod },
        new("ipvs-sync-period", "ipvs.syncPeriod", Duration, $"{Slow}, in the mode ipvs",
            (o, v) => o with { Ipvs = o.Ipvs with { SyncPeriod = v.AsPositiveDuration(o.Ipvs.SyncPeriod) } })
            { Show = o => o.Ipvs.SyncPeriod },
        new("ipvs-min-sync-period", "ipvs.minSyncPeriod", Duration, AtOnce,
            (o, v) => o with { Ipvs = o.Ipvs with { MinSyncPeriod = v.AsDuration(o.Ipvs.MinSyncPeriod) } })
            { HasNoEffect = true, Show = o => o.Ipvs.MinSyncPeriod },
        UnusedSetting.Create("ipvs-scheduler", "ipvs.scheduler", Text, "", "a backend is picked at random"),
        UnusedSetting.Create("ipvs-exclude-cidrs", "ipvs.excludeCIDRs", List, null, "rules of others are never touched", Prefixes),
        UnusedSetting.Create("ipvs-strict-arp", "ipvs.strictARP", Switch, false, "no service address is put on a device"),
        UnusedSetting.Create("ipvs-tcp-timeout", "ipvs.tcpTimeout", Duration, TimeSpan.Zero, Timeouts),
        UnusedSetting.Create("ipvs-tcpfin-timeout", "ipvs.tcpFinTimeout", Duration, TimeSpan.Zero, Timeouts),
        UnusedSetting.Create("ipvs-udp-timeout", "ipvs.udpTimeout", Duration, TimeSpan.Zero, Timeouts),
        UnusedSetting.Create(null, "nftables.masqueradeBit", Integer, 14, Unmarked, v => v.AsIntWithin(0, 31, 14)),
        new(null, "nftables.masqueradeAll", Switch, $"{Everyone}, in the modes nftables and ebpf",
            (o, v) => o with { Nftables = o.Nftables with { MasqueradesAll = v.AsBool(o.Nftables.MasqueradesAll) } })
            { Show = o => o.Nftables.MasqueradesAll },
        new(null, "nftables.syncPeriod", Duration, $"{Slow}, in the modes nftables and ebpf",
            (o, v) => o with { Nftables = o.Nftables with { SyncPeriod = v.AsPositiveDuration(o.Nftables.SyncPeriod) } })
            { Show = o => o.Nftables.SyncPeriod },
        new(null, "nftables.minSyncPeriod", Duration, AtOnce,
            (o, v) => o with { Nftables = o.Nftables with { MinSyncPeriod = MinPeriod(v, o.Nftables.MinSyncPeriod) } })
            { HasNoEffect = true, Show = o => o.Nftables.MinSyncPeriod },
        UnusedSetting.Create(null, "winkernel.networkName", Text, "", Windows),
        UnusedSetting.Create(null, "winkernel.sourceVip", Text, "", Windows),
        UnusedSetting.Create(null, "winkernel.enableDSR", Switch, false, Windows),
        UnusedSetting.Create(null, "winkernel.rootHnsEndpointName", Text, "", Windows),
        UnusedSetting.Create(null, "winkernel.forwardHealthCheckVip", Switch, false, Windows),
    ];

    /// <summary>In a file 0 stands for the default, as kube-proxy has it for these two modes.</summary>
    private static TimeSpan MinPeriod(SettingValue value, TimeSpan otherwise) =>
        value.AsDuration(otherwise) is var period && period > TimeSpan.Zero ? period : otherwise;

    private static string AsMode(ProxyOptions options, SettingValue value) => value.AsOneOf(
        options.Mode,
        ("", ""),
        (ProxyOptions.IptablesMode, ProxyOptions.IptablesMode),
        (ProxyOptions.IpvsMode, ProxyOptions.IpvsMode),
        (ProxyOptions.NftablesMode, ProxyOptions.NftablesMode),
        (ProxyOptions.OwnMode, ProxyOptions.OwnMode));

    private static IReadOnlyList<string> Prefixes(SettingValue value) => value.AsPrefixes() is { } ? value.AsList() : [];
}
