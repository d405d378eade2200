namespace EbpfProxy.Options;

/// <summary>kube-proxy's section <c>conntrack</c>: settings of the kernel's connection tracking. 0 leaves one as it is.</summary>
internal sealed record ConntrackOptions
{
    public int MaxPerCore { get; init; } = 32 * 1024;

    public int Min { get; init; } = 128 * 1024;

    public TimeSpan TcpEstablished { get; init; } = TimeSpan.FromHours(24);

    public TimeSpan TcpCloseWait { get; init; } = TimeSpan.FromHours(1);

    public bool IsTcpLiberal { get; init; }

    public TimeSpan Udp { get; init; }

    public TimeSpan UdpStream { get; init; }
}
