using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tests.Devices;

public sealed class DeviceRulesTests
{
    private const ushort Ethernet = 1;
    private const ushort Loopback = 772;
    private const ushort NoHeader = 0xfffe;

    [Theory]
    [InlineData("eth0", Ethernet, "", "", true)]
    [InlineData("veth1", Ethernet, "veth", "bridge", true)]
    [InlineData("cni0", Ethernet, "bridge", "", true)]
    [InlineData("eth0.100", Ethernet, "vlan", "", true)]
    [InlineData("flannel.1", Ethernet, "vxlan", "", true)]
    [InlineData("bond0", Ethernet, "bond", "", true)]
    [InlineData("eth1", Ethernet, "", "bond", false)]
    [InlineData("tun0", NoHeader, "tun", "", true)]
    [InlineData("wg0", NoHeader, "wireguard", "", true)]
    [InlineData("tunl0", 768, "ipip", "", true)]
    [InlineData("lo", Loopback, "", "", false)]
    [InlineData("dummy0", Ethernet, "dummy", "", false)]
    [InlineData("ifb0", Ethernet, "ifb", "", false)]
    [InlineData("kube-ipvs0", Ethernet, "dummy", "", false)]
    [InlineData("nlmon0", 824, "nlmon", "", false)]
    [InlineData("ib0", 32, "", "", false)]
    public void Without_a_word_every_device_that_can_carry_traffic_is_taken(string name, ushort hardware, string kind, string master, bool expected)
    {
        Assert.Equal(expected, new DeviceSelection([]).Includes(Device(name, hardware, kind, master)));
    }

    [Theory]
    [InlineData("eth*", "eth0", true)]
    [InlineData("eth*", "veth0", false)]
    [InlineData("eth?", "eth10", false)]
    [InlineData("ETH0", "eth0", false)]
    [InlineData("!docker0", "docker0", false)]
    [InlineData("!docker0", "eth0", true)]
    [InlineData("!docker0", "dummy0", false)]
    [InlineData("dummy0", "dummy0", true)]
    [InlineData("eth*,!eth1", "eth1", false)]
    [InlineData("eth*,!eth1", "eth0", true)]
    [InlineData("!eth1,eth1", "eth1", false)]
    [InlineData("lo", "lo", false)]
    public void Patterns_decide_where_there_are_any(string patterns, string name, bool expected)
    {
        var device = Device(name, name == "lo" ? Loopback : Ethernet, name.StartsWith("dummy", StringComparison.Ordinal) ? "dummy" : "", "");

        Assert.Equal(expected, new DeviceSelection(patterns.Split(',')).Includes(device));
    }

    [Fact]
    public void The_hardware_says_what_a_packet_begins_with()
    {
        Assert.Equal(LinkHeader.Ethernet, DeviceSelection.HeaderOf(Device("a", Ethernet)));
        Assert.All(new ushort[] { 512, 519, 768, 769, 776, 778, 823, NoHeader }, type => Assert.Equal(LinkHeader.None, DeviceSelection.HeaderOf(Device("a", type))));
        Assert.Null(DeviceSelection.HeaderOf(Device("a", Loopback)));
    }

    [Theory]
    [InlineData("10.0.0.2 10.0.0.1s", "10.0.0.2")]
    [InlineData("10.0.0.1s 10.0.0.2", "10.0.0.2")]
    [InlineData("169.254.0.1l 10.0.0.2", "10.0.0.2")]
    [InlineData("", "192.0.2.1")]
    [InlineData("169.254.0.1l", "192.0.2.1")]
    [InlineData("10.0.0.1u", "192.0.2.1")]
    public void Masquerade_takes_the_devices_first_primary_address_and_else_the_uplinks(string own, string expected)
    {
        var network = Network(own, uplink: "192.0.2.1");

        Assert.Equal(Ip(expected), MasqueradeAddress.Choose(network, network.Devices[0], IpFamily.IPv4));
    }

    [Fact]
    public void A_port_of_a_bridge_takes_the_address_of_the_bridge()
    {
        var port = Device("veth0", Ethernet, "veth", "bridge") with { Index = 7, Master = 8 };
        var network = new NodeNetwork(
            [port, Device("cni0") with { Index = 8 }, Device("eth0") with { Index = 9 }],
            [Address(9, "192.0.2.1"), Address(8, "10.244.0.1")],
            [new DefaultRoute(IpFamily.IPv4, 9, 0)]);

        Assert.Equal(Ip("10.244.0.1"), MasqueradeAddress.Choose(network, port, IpFamily.IPv4));
        Assert.Null(MasqueradeAddress.Choose(network, port, IpFamily.IPv6));
    }

    [Theory]
    [InlineData("cni0", "", true, true, false)]
    [InlineData("", "veth", true, false, false)]
    [InlineData("", "", false, false, false)]
    public void Devices_of_local_pods_are_the_bridge_with_its_ports_or_those_of_a_prefix(string bridge, string prefix, bool port, bool itself, bool other)
    {
        var network = new NodeNetwork(
            [Device("veth0") with { Index = 7, Master = 8 }, Device("cni0") with { Index = 8 }, Device("eth0") with { Index = 9 }], [], []);
        var pods = new LocalPodDevices(bridge, prefix);

        Assert.Equal([port, itself, other], network.Devices.Select(device => pods.Includes(device, network)));
    }

    /// <summary>The table of reference section 1.5.</summary>
    [Theory]
    [InlineData("", "10.0.0.1", IpFamily.IPv4, "10.0.0.1", "::1")]
    [InlineData("", "fd00:4321::2", IpFamily.IPv6, "127.0.0.1", "fd00:4321::2")]
    [InlineData("", "0.0.0.0", IpFamily.IPv4, "127.0.0.1", "::1")]
    [InlineData("192.168.1.1", "0.0.0.0", IpFamily.IPv4, "192.168.1.1", "::1")]
    [InlineData("192.168.1.1", "::", IpFamily.IPv4, "192.168.1.1", "::1")]
    [InlineData("fd00:1234::1", "0.0.0.0", IpFamily.IPv6, "127.0.0.1", "fd00:1234::1")]
    [InlineData("90.90.90.90 2001:db8::2", "::", IpFamily.IPv4, "90.90.90.90", "2001:db8::2")]
    [InlineData("2001:db8::2 90.90.90.90", "0.0.0.0", IpFamily.IPv6, "90.90.90.90", "2001:db8::2")]
    [InlineData("2001:db8::2 90.90.90.90", "80.80.80.80", IpFamily.IPv4, "80.80.80.80", "2001:db8::2")]
    [InlineData("90.90.90.90 2001:db8::2", "2001:db8::555", IpFamily.IPv6, "90.90.90.90", "2001:db8::555")]
    [InlineData("2001:db8::2 90.90.90.90", "127.0.0.1", IpFamily.IPv4, "127.0.0.1", "2001:db8::2")]
    [InlineData("90.90.90.90 2001:db8::2", "::1", IpFamily.IPv6, "90.90.90.90", "::1")]
    public void Node_IPs_are_those_of_kube_proxy(string raw, string bind, IpFamily primary, string ipv4, string ipv6)
    {
        Address[] addresses = [.. raw.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Ip)];

        Assert.Equal(new NodeIPs(primary, Ip(ipv4), Ip(ipv6)), NodeIPs.Detect(addresses, Ip(bind)));
    }

    [Fact]
    public void Where_nobody_says_the_node_IP_it_is_that_of_the_uplink()
    {
        var network = Network("10.0.0.1", uplink: "192.0.2.1");

        Assert.Equal(Ip("192.0.2.1"), NodeIPs.Detect([], Ip("0.0.0.0"), network).IPv4);
        Assert.Equal(Ip("10.9.9.9"), NodeIPs.Detect([Ip("10.9.9.9")], Ip("0.0.0.0"), network).IPv4);
    }

    /// <summary>The table of reference section 2.9.</summary>
    [Theory]
    [InlineData("", false, "10.0.0.1 169.254.0.1 192.0.2.1 fd00::1")]
    [InlineData("", true, "192.0.2.1 fd00::1")]
    [InlineData("10.0.0.0/8", false, "10.0.0.1 fd00::1")]
    [InlineData("10.0.0.0/8,fd01::/16", false, "10.0.0.1")]
    [InlineData("0.0.0.0/0,fd01::/16", false, "10.0.0.1 169.254.0.1 192.0.2.1")]
    [InlineData("10.0.0.0/8,::/0", false, "10.0.0.1 fd00::1")]
    [InlineData("127.0.0.0/8,fd01::/16", false, "")]
    [InlineData("169.254.0.0/16,fd01::/16", false, "169.254.0.1")]
    public void Node_ports_are_on_the_addresses_that_the_prefixes_match(string prefixes, bool isPrimary, string expected)
    {
        var network = Network("10.0.0.1 169.254.0.1l 127.0.0.9 fd00::1 fe80::1l", uplink: "192.0.2.1");
        var nodePorts = new NodePortAddresses(
            [.. prefixes.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(text => Prefix.TryParse(text, out var prefix) ? prefix : default)], isPrimary);

        var selected = nodePorts.Select(network, NodeIPs.Detect([Ip("192.0.2.1")], Ip("0.0.0.0")));

        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), selected.Order().Select(address => address.ToString()).OrderBy(text => text, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("", false, "0.0.0.0 ::")]
    [InlineData("", true, "192.0.2.1 ::")]
    [InlineData("10.0.0.0/8", false, "10.0.0.1 ::")]
    [InlineData("1.2.3.0/24,0.0.0.0/0,fd00::/16", false, "0.0.0.0 fd00::1")]
    [InlineData("127.0.0.0/8,fd01::/16", false, "127.0.0.9")]
    [InlineData("fe80::/10,10.1.0.0/16", false, "")]
    public void Servers_beside_node_ports_listen_where_the_prefixes_say(string prefixes, bool isPrimary, string expected)
    {
        var network = Network("10.0.0.1 127.0.0.9 fd00::1 fe80::1l", uplink: "192.0.2.1");
        var nodePorts = new NodePortAddresses(
            [.. prefixes.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(text => Prefix.TryParse(text, out var prefix) ? prefix : default)], isPrimary);

        var chosen = nodePorts.ListenOn(network, NodeIPs.Detect([Ip("192.0.2.1")], Ip("0.0.0.0")));

        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), chosen.Select(address => address.ToString()).OrderBy(text => text, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("192.0.2.7 127.0.0.1", "0.0.0.0")]
    [InlineData("::1 fd00::1 127.0.0.1", "0.0.0.0 ::")]
    [InlineData("::1 192.0.2.7", "0.0.0.0 ::")]
    public void Servers_listen_in_no_family_that_the_node_does_not_have(string own, string expected)
    {
        var network = Network(own, uplink: "192.0.2.1");

        var chosen = NodePortAddresses.All.ListenOn(network, NodeIPs.Detect([], Ip("0.0.0.0"), network));

        Assert.Equal(expected.Split(' '), chosen.Select(address => address.ToString()).OrderBy(text => text, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("1024-29999", "32768-60999", "8080", "", "8080")]
    [InlineData("1024-29999", "20000-40000", "8080", "20000-29999", "8080,20000-29999")]
    [InlineData("1024-29999", "29999-40000", "", "29999", "29999")]
    [InlineData("1024-29999", "30000-40000", "", "", "")]
    [InlineData("1-9", "1-9", "3-4,6", "1-2,5,7-9", "1-9")]
    public void Only_what_sockets_could_get_is_reserved_and_what_others_reserved_stays_theirs(
        string ours, string given, string before, string added, string after)
    {
        var others = ReservedPorts.Parse(before);

        var reserved = ReservedPorts.Overlap(Range(ours), Range(given)).Without(others);

        Assert.Equal(added, reserved.ToString());
        Assert.Equal(after, others.With(reserved).ToString());
        Assert.Equal(others.ToString(), others.With(reserved).Without(reserved).ToString());
    }

    private static PortRange Range(string text) => PortRange.TryParse(text, out var range) ? range : throw new FormatException(text);

    private static Address Ip(string text) => Model.Network.Address.TryParse(text, out var address) ? address : throw new FormatException(text);

    private static NodeDevice Device(string name, ushort hardware = Ethernet, string kind = "", string master = "") =>
        new(7, name, hardware, kind, 0, master, IsUp: true);

    private static DeviceAddress Address(int device, string text)
    {
        bool isMarked = text[^1] is 's' or 'l' or 'u';
        return new DeviceAddress(
            device,
            Ip(isMarked ? text[..^1] : text),
            24,
            text[^1] == 'l' ? AddressScope.Link : AddressScope.Global,
            IsSecondary: text[^1] == 's',
            IsUsable: text[^1] != 'u');
    }

    /// <summary>A device with addresses (s secondary, l of the link, u unusable), and an uplink behind it.</summary>
    private static NodeNetwork Network(string own, string uplink) => new(
        [Device("a"), Device("eth0") with { Index = 9 }],
        [.. own.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => Address(7, text)), Address(9, uplink)],
        [new DefaultRoute(IpFamily.IPv4, 9, 0)]);
}
