using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Programs;

/// <summary>What bpf/tc.bpf.c is told before it is loaded: the globals of bpf/include/tc_config.h.</summary>
internal sealed record TcConfig
{
    public required PacketOptions Options { get; init; }

    public bool LeavesDeviceAddresses { get; init; } = true;

    /// <summary>What the digests in the table of flows are keyed with.</summary>
    public required FlowSecret FlowSecret { get; init; }

    /// <summary>How many buckets of it rows belong to.</summary>
    public required uint FlowHomes { get; init; }

    public PrefixValue LocalIPv4 => PrefixOf(Options.LocalTraffic.IPv4);

    public PrefixValue LocalIPv6 => PrefixOf(Options.LocalTraffic.IPv6);

    public TimeoutsValue Timeouts => new(
        Seconds(Options.Timeouts.TcpSyn),
        Seconds(Options.Timeouts.TcpEstablished),
        Seconds(Options.Timeouts.TcpCloseWait),
        Seconds(Options.Timeouts.TcpClosing),
        Seconds(Options.Timeouts.TcpClosed),
        Seconds(Options.Timeouts.Udp),
        Seconds(Options.Timeouts.UdpStream),
        Seconds(Options.Timeouts.Sctp));

    // Of a family without a prefix programs know by its length that they cannot tell pods.
    private static PrefixValue PrefixOf(Prefix? prefix) => prefix is { } known
        ? new PrefixValue(AddressKey.From(known.Address), (uint)known.MappedLength)
        : default;

    private static uint Seconds(TimeSpan time) => (uint)Math.Clamp(Math.Ceiling(time.TotalSeconds), 1, uint.MaxValue);
}
