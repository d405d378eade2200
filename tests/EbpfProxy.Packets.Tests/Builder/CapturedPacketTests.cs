using System.Text;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Builder;

/// <summary>
/// The builder against frames that Linux 6.18 made: three namespaces in a row (10.1.1.2 and fd01::2, a router, 10.1.2.2 and
/// fd02::2 behind a link of MTU 1400), a packet socket on the first one's veth with its transmit checksums done in software,
/// the device addresses set to those that the builder uses. Flow labels, numbers and identifications are as the kernel chose.
/// </summary>
public sealed class CapturedPacketTests
{
    private static readonly byte[] _hello = "hello"u8.ToArray();

    public static TheoryData<string, string> Frames { get; } = new()
    {
        {
            nameof(TcpSyn), "02000000000202000000000108004500003c092c400040061a8b0a0101020a0102029c400050a2882a6b00000000a002faf0"
                + "2c750000020405b40402080a565049bd000000000103030a"
        },
        { nameof(TcpReset), "020000000001020000000002080045000028000040003f0624cb0a0102020a01010200509c4000000000a2882a6c501400002f460000" },
        {
            nameof(TcpSynV6), "02000000000202000000000186dd600794e300280640fd010000000000000000000000000002fd020000000000000000000000000002"
                + "9c400050687dc11700000000a002fd200f220000020405a00402080ad664a53b000000000103030a"
        },
        { nameof(Udp), "0200000000020200000000010800450000213e3440004011e5920a0101020a0102029c410035000d088668656c6c6f" },
        {
            nameof(Unreachable), "020000000001020000000002080045c0003dc86700003f019b930a0102020a0101020303142100000000450000213e344000"
                + "3f11e6920a0101020a0102029c410035000d088668656c6c6f"
        },
        {
            nameof(UdpV6), "02000000000202000000000186dd6007f4e2000d1140fd010000000000000000000000000002fd020000000000000000000000000002"
                + "9c410035000d258368656c6c6f"
        },
        {
            nameof(UnreachableV6), "02000000000102000000000286dd600b6405003d3a3ffd020000000000000000000000000002fd01000000000000000000000000"
                + "000201049e63000000006007f4e2000d113ffd010000000000000000000000000002fd0200000000000000000000000000029c410035000d258368656c6c6f"
        },
        { nameof(UdpWithoutChecksum), "0200000000020200000000010800450000213e4940004011e57d0a0101020a0102029c420035000d000068656c6c6f" },
        { nameof(UdpWithOptions), "0200000000020200000000010800460000253e5540004011e26b0a0101020a010202010101019c430035000d088468656c6c6f" },
        {
            nameof(TimeExceeded), "020000000001020000000002080045c0003d6dd600004001f6250a0101010a0101020b000c2400000000450000213e8a400001"
                + "11243d0a0101020a0102029c430035000d088468656c6c6f"
        },
        {
            nameof(TimeExceededV6), "02000000000102000000000286dd60016d46003d3a40fd010000000000000000000000000001fd01000000000000000000000000"
                + "0002030053310000000060003e60000d1101fd010000000000000000000000000002fd0200000000000000000000000000029c430035000d258168656c6c6f"
        },
        {
            nameof(HopByHop), "02000000000202000000000186dd60003e6000150040fd010000000000000000000000000002fd020000000000000000000000000002"
                + "11000104000000009c430035000d258168656c6c6f"
        },
        {
            nameof(DestinationOptions), "02000000000202000000000186dd60003e6000153c40fd010000000000000000000000000002fd0200000000000000000000"
                + "0000000211000104000000009c430035000d258168656c6c6f"
        },
        {
            nameof(FragmentationNeeded), "020000000001020000000002080045c002406eab00004001f34d0a0101010a0101020304f62e00000578450005c600004000"
                + "40111e220a0101020a0102029c44003505b27842" + Letters(520)
        },
        {
            nameof(PacketTooBig), "02000000000102000000000286dd6004fffc04d83a40fd010000000000000000000000000001fd01000000000000000000000000"
                + "00020200231f00000578600e2edc059e1140fd010000000000000000000000000002fd0200000000000000000000000000029c440035059e6335" + Letters(1184)
        },
        { nameof(FirstFragment), "020000000002020000000001080045000574409a20004011fdd90a0101020a0102029c4500350648ef8d" + Letters(1368) },
        { nameof(LastFragment), "0200000000020200000000010800450000fc409a00ac401121a60a0101020a010202" + Letters(232) },
        {
            nameof(FirstFragmentV6), "02000000000202000000000186dd6001d3a605502c40fd010000000000000000000000000002fd020000000000000000000000"
                + "00000211000001e3d9bca49c45003506480c8b" + Letters(1344)
        },
        {
            nameof(LastFragmentV6), "02000000000202000000000186dd6001d3a601082c40fd010000000000000000000000000002fd020000000000000000000000"
                + "00000211000548e3d9bca4" + Letters(256)
        },
        { nameof(Echo), "0200000000020200000000010800450000231552400040010e830a0101020a010202080056391092000761626364656667" },
        { nameof(EchoReply), "020000000001020000000002080045000023fc8700003f01684d0a0102020a01010200005e391092000761626364656667" },
        {
            nameof(EchoV6), "02000000000202000000000186dd6002e174000f3a40fd010000000000000000000000000002fd020000000000000000000000000002"
                + "8000e3e61092000761626364656667"
        },
        {
            nameof(EchoReplyV6), "02000000000102000000000286dd6000df23000f3a3ffd020000000000000000000000000002fd010000000000000000000000000002"
                + "8100e2e61092000761626364656667"
        },
    };

    private static Packet TcpSyn => Packet.Tcp("10.1.1.2:40000", "10.1.2.2:80").Syn().Numbers(0xa2882a6b).Window(0xfaf0)
        .Identified(0x092c).DontFragment().TcpOptions(Convert.FromHexString("020405b40402080a565049bd000000000103030a"));

    private static Packet TcpReset => Packet.Tcp("10.1.2.2:80", "10.1.1.2:40000").Flags(TcpBits.Rst | TcpBits.Ack)
        .Numbers(0, 0xa2882a6c).Window(0).DontFragment().Hops(63).Back();

    private static Packet TcpSynV6 => Packet.Tcp("[fd01::2]:40000", "[fd02::2]:80").Syn().Numbers(0x687dc117).Window(0xfd20)
        .Flow(0x794e3).TcpOptions(Convert.FromHexString("020405a00402080ad664a53b000000000103030a"));

    private static Packet Udp => UdpTo(40001).Identified(0x3e34);

    private static Packet Unreachable => Packet.PortUnreachable("10.1.2.2", "10.1.1.2", Udp.Hops(63))
        .Class(0xc0).Identified(0xc867).Hops(63).Back();

    private static Packet UdpV6 => UdpV6To(40001).Flow(0x7f4e2);

    private static Packet UnreachableV6 => Packet.PortUnreachable("fd02::2", "fd01::2", UdpV6.Hops(63)).Flow(0xb6405).Hops(63).Back();

    private static Packet UdpWithoutChecksum => UdpTo(40002).WithoutChecksum().Identified(0x3e49);

    private static Packet UdpWithOptions => UdpTo(40003).WithOptions(4).Identified(0x3e55);

    private static Packet TimeExceeded => Packet.TimeExceeded("10.1.1.1", "10.1.1.2", UdpTo(40003).Identified(0x3e8a).Hops(1))
        .Class(0xc0).Identified(0x6dd6).Back();

    private static Packet TimeExceededV6 =>
        Packet.TimeExceeded("fd01::1", "fd01::2", UdpV6To(40003).Flow(0x03e60).Hops(1)).Flow(0x16d46).Back();

    private static Packet HopByHop => UdpV6To(40003).Flow(0x03e60).HopByHop();

    private static Packet DestinationOptions => UdpV6To(40003).Flow(0x03e60).DestinationOptions();

    private static Packet FragmentationNeeded => Packet.TooBig(
        "10.1.1.1", "10.1.1.2", 1400, UdpTo(40004).Payload(Letter(1450))).Class(0xc0).Identified(0x6eab).Back();

    private static Packet PacketTooBig => Packet.TooBig(
        "fd01::1", "fd01::2", 1400, UdpV6To(40004).Payload(Letter(1430)).Flow(0xe2edc)).Flow(0x4fffc).Back();

    private static Packet FirstFragment => Large.Fragment(0, 1376);

    private static Packet LastFragment => Large.Fragment(1376);

    private static Packet FirstFragmentV6 => LargeV6.Fragment(0, 1352);

    private static Packet LastFragmentV6 => LargeV6.Fragment(1352);

    private static Packet Echo => Packet.Echo("10.1.1.2", "10.1.2.2", 4242, 7).Payload("abcdefg"u8.ToArray()).Identified(0x1552).DontFragment();

    private static Packet EchoReply =>
        Packet.EchoReply("10.1.2.2", "10.1.1.2", 4242, 7).Payload("abcdefg"u8.ToArray()).Identified(0xfc87).Hops(63).Back();

    private static Packet EchoV6 => Packet.Echo("fd01::2", "fd02::2", 4242, 7).Payload("abcdefg"u8.ToArray()).Flow(0x2e174);

    private static Packet EchoReplyV6 =>
        Packet.EchoReply("fd02::2", "fd01::2", 4242, 7).Payload("abcdefg"u8.ToArray()).Flow(0x0df23).Hops(63).Back();

    private static Packet Large => Packet.Udp("10.1.1.2:40005", "10.1.2.2:53").Payload(Letter(1600)).Identified(0x409a);

    private static Packet LargeV6 => Packet.Udp("[fd01::2]:40005", "[fd02::2]:53").Payload(Letter(1600)).Flow(0x1d3a6).Identified(0xe3d9bca4);

    [Theory]
    [MemberData(nameof(Frames))]
    public void Builder_makes_the_frame_that_the_kernel_made(string name, string hex)
    {
        var packet = (Packet)typeof(CapturedPacketTests)
            .GetProperty(name, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!.GetValue(null)!;

        byte[] frame = packet.ToFrame();

        Assert.Null(Frame.Difference(Frame.FromEthernet(Convert.FromHexString(hex)), Frame.FromEthernet(frame)));
    }

    [Theory]
    [MemberData(nameof(Frames))]
    public void Frame_of_the_kernel_has_no_fault_and_one_with_any_byte_changed_is_another(string name, string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);

        var frame = Frame.FromEthernet(bytes);

        Assert.True(frame.Faults.Count == 0, $"{name}: {frame}");
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] changed = [.. bytes];
            changed[i] ^= 0x55;
            Assert.NotNull(Frame.Difference(frame, Frame.FromEthernet(changed)));
        }
    }

    private static Packet UdpTo(ushort port) => Packet.Udp($"10.1.1.2:{port}", "10.1.2.2:53").Payload(_hello).DontFragment();

    private static Packet UdpV6To(ushort port) => Packet.Udp($"[fd01::2]:{port}", "[fd02::2]:53").Payload(_hello);

    private static byte[] Letter(int count) => Encoding.ASCII.GetBytes(new string('a', count));

    private static string Letters(int count) => Convert.ToHexString(Letter(count));
}
