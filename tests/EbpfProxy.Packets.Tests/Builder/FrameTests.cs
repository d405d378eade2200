using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Builder;

public sealed class FrameTests
{
    public static TheoryData<string, Packet> Texts { get; } = new()
    {
        { "10.0.0.2:3333 > 10.96.0.1:80 tcp S seq 1000 ttl 64", Packet.Tcp("10.0.0.2:3333", "10.96.0.1:80").Syn() },
        { "10.0.0.2:3333 > 10.96.0.1:80 tcp F. seq 1 ack 2 ttl 1", Packet.Tcp("10.0.0.2:3333", "10.96.0.1:80").Fin().Numbers(1, 2).Hops(1) },
        { "[fd00::1]:53 > [fd00::2]:99 udp length 3 ttl 64", Packet.Udp("[fd00::1]:53", "[fd00::2]:99").Payload(3) },
        { "10.0.0.2:3333 > 10.96.0.1:80 sctp length 20 ttl 64", Packet.Sctp("10.0.0.2:3333", "10.96.0.1:80") },
        { "10.0.0.2 > 10.96.0.1 icmp echo id 7 seq 1 ttl 64", Packet.Echo("10.0.0.2", "10.96.0.1", 7) },
        { "[fd00::1] > [fd00::2] icmp6 echo reply id 7 seq 1 ttl 64", Packet.EchoReply("fd00::1", "fd00::2", 7) },
        {
            "10.0.0.2:3333 > 10.96.0.1:80 udp length 24 ttl 64 options 8 id 5 DF fragment 0+ vlan 12",
            Packet.Udp("10.0.0.2:3333", "10.96.0.1:80").Payload(32).WithOptions(8).Identified(5).DontFragment().Fragment(0, 32).Vlan(12)
        },
        { "10.0.0.2 > 10.96.0.1 udp length 8 ttl 64 fragment 32", Packet.Udp("10.0.0.2:3333", "10.96.0.1:80").Payload(32).Fragment(32) },
        {
            "[fd00::1]:53 > [fd00::2]:99 udp length 3 ttl 64 header 0 of 8 header 43 of 8 header 60 of 16 fragment 0 id 9",
            Packet.Udp("[fd00::1]:53", "[fd00::2]:99").Payload(3).HopByHop().Routed().DestinationOptions(16).Identified(9).Fragment(0)
        },
        {
            "10.9.0.1 > 10.0.0.2 icmp unreachable 4 mtu 1400 ttl 64 { 10.0.0.2:3333 > 10.96.0.1:80 tcp S seq 1000 ttl 63 }",
            Packet.TooBig("10.9.0.1", "10.0.0.2", 1400, Packet.Tcp("10.0.0.2:3333", "10.96.0.1:80").Syn().Hops(63))
        },
        {
            "10.9.0.1 > 10.0.0.2 icmp time exceeded ttl 64 { 10.0.0.2:3333 > 10.96.0.1:80 tcp ttl 63 [no whole header] }",
            Packet.TimeExceeded("10.9.0.1", "10.0.0.2", Packet.Tcp("10.0.0.2:3333", "10.96.0.1:80").Syn().Hops(63)).Quoting(28)
        },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Packet_reads_as_a_sentence(string text, Packet packet) => Assert.Equal(text, packet.ToString());

    [Theory]
    [MemberData(nameof(Texts))]
    public void Whole_packet_has_no_fault_and_one_cut_anywhere_has_one(string name, Packet packet)
    {
        byte[] bytes = packet.ToBytes();

        Assert.True(Frame.FromBytes(bytes).Faults.Count == 0, name);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.True(Frame.FromBytes(bytes[..length]).Faults.Count > 0, $"{name}, cut at {length}");
        }
    }

    [Theory]
    [InlineData(10, "bad IP checksum")]
    [InlineData(12, "bad IP checksum; bad checksum")]
    [InlineData(24, "bad checksum")]
    [InlineData(40, "bad checksum")]
    public void Changed_byte_is_told(int at, string fault)
    {
        byte[] bytes = Packet.Tcp("10.0.0.2:3333", "10.96.0.1:80").Payload(4).ToBytes();

        bytes[at] ^= 1;

        Assert.Equal(fault, string.Join("; ", Frame.FromBytes(bytes).Faults));
    }

    [Fact]
    public void Udp_over_IPv6_has_a_checksum()
        => Assert.Equal(["bad checksum"], Frame.FromBytes(Packet.Udp("[fd00::1]:1", "[fd00::2]:2").WithoutChecksum().ToBytes()).Faults);

    [Fact]
    public void Difference_shows_both_packets_and_the_bytes_that_differ()
    {
        var expected = Frame.FromEthernet(Packet.Udp("10.0.0.2:3333", "10.96.0.1:80").ToFrame());
        var actual = Frame.FromEthernet(Packet.Udp("10.0.0.2:3333", "10.96.0.2:80").ToFrame());

        string? difference = Frame.Difference(expected, actual);

        Assert.Contains("expected 10.0.0.2:3333 > 10.96.0.1:80 udp", difference, StringComparison.Ordinal);
        Assert.Contains("but was 10.0.0.2:3333 > 10.96.0.2:80 udp", difference, StringComparison.Ordinal);
        Assert.Contains("*02", difference, StringComparison.Ordinal);
        Assert.Null(Frame.Difference(expected, expected));
    }

    /// <summary>The examples of RFC 3720, B.4, for the CRC that SCTP uses too: 32 bytes of zeroes, of ones, counting up, counting down.</summary>
    [Theory]
    [InlineData(0, 0, 0x8a9136aau)]
    [InlineData(255, 0, 0x62a8ab43u)]
    [InlineData(0, 1, 0x46dd794eu)]
    [InlineData(31, -1, 0x113fdb5cu)]
    public void Crc_of_SCTP_is_that_of_the_standard(int first, int step, uint crc)
        => Assert.Equal(crc, InternetChecksum.Crc32C([.. Enumerable.Range(0, 32).Select(i => (byte)(first + (i * step)))]));

    /// <summary>A sum that comes out as 0 is sent as 0xffff, because 0 says that there is none.</summary>
    [Fact]
    public void Udp_checksum_that_would_be_zero_is_all_ones()
    {
        byte[] bytes = Packet.Udp("10.0.0.1:1", "10.0.0.2:2").Payload([0, 0]).ToBytes();
        byte[] missing = bytes[26..28];

        byte[] zero = Packet.Udp("10.0.0.1:1", "10.0.0.2:2").Payload(missing).ToBytes();

        Assert.Equal([0xff, 0xff], zero[26..28]);
        Assert.Empty(Frame.FromBytes(zero).Faults);
    }
}
