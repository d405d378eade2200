using static EbpfProxy.Options.SettingShape;

namespace EbpfProxy.Options;

/// <summary>kube-proxy's settings of the kernel's connection tracking.</summary>
internal static class ConntrackSettings
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("conntrack-max-per-core", "conntrack.maxPerCore", Integer, "how many connections the kernel tracks for each CPU; 0 leaves its number as it is",
            (o, v) => With(o, o.Conntrack with { MaxPerCore = v.AsIntWithin(0, int.MaxValue, o.Conntrack.MaxPerCore) }))
            { Show = o => o.Conntrack.MaxPerCore },
        new("conntrack-min", "conntrack.min", Integer, "how many it tracks at least, whatever the number of CPUs",
            (o, v) => With(o, o.Conntrack with { Min = v.AsIntWithin(0, int.MaxValue, o.Conntrack.Min) }))
            { Show = o => o.Conntrack.Min },
        new("conntrack-tcp-timeout-established", "conntrack.tcpEstablishedTimeout", Duration, "how long a TCP connection may be idle, translated here or tracked by the kernel",
            (o, v) => With(o, o.Conntrack with { TcpEstablished = v.AsDuration(o.Conntrack.TcpEstablished) }))
            { Show = o => o.Conntrack.TcpEstablished },
        new("conntrack-tcp-timeout-close-wait", "conntrack.tcpCloseWaitTimeout", Duration, "the same after one side has closed",
            (o, v) => With(o, o.Conntrack with { TcpCloseWait = v.AsDuration(o.Conntrack.TcpCloseWait) }))
            { Show = o => o.Conntrack.TcpCloseWait },
        new("conntrack-tcp-be-liberal", "conntrack.tcpBeLiberal", Switch, "the kernel tracks TCP packets out of window as well",
            (o, v) => With(o, o.Conntrack with { IsTcpLiberal = v.AsBool(o.Conntrack.IsTcpLiberal) }))
            { Show = o => o.Conntrack.IsTcpLiberal },
        new("conntrack-udp-timeout", "conntrack.udpTimeout", Duration, "a UDP flow whose client has not gone on after an answer; 0 leaves the kernel's as it is, and is 30s for what is translated here",
            (o, v) => With(o, o.Conntrack with { Udp = v.AsDuration(o.Conntrack.Udp) }))
            { Show = o => o.Conntrack.Udp },
        new("conntrack-udp-timeout-stream", "conntrack.udpStreamTimeout", Duration, "one that was; 0 is 2m for what is translated here",
            (o, v) => With(o, o.Conntrack with { UdpStream = v.AsDuration(o.Conntrack.UdpStream) }))
            { Show = o => o.Conntrack.UdpStream },
    ];

    private static ProxyOptions With(ProxyOptions options, ConntrackOptions conntrack) => options with { Conntrack = conntrack };
}
