using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tests.Devices;

public sealed class OnlyAddressTests
{
    [Theory]
    [InlineData("", null, null)]
    [InlineData("127.0.0.1/host ::1/host 10.0.0.1", "10.0.0.1", null)]
    [InlineData("10.0.0.1 fd00::1 fe80::1/link", "10.0.0.1", "fd00::1")]
    [InlineData("10.0.0.1 10.0.0.2 fd00::1", null, "fd00::1")]
    [InlineData("10.0.0.1 10.0.0.1", "10.0.0.1", null)] // of two devices
    [InlineData("10.0.0.1 169.254.0.1/link", "10.0.0.1", null)]
    [InlineData("fd00::1 2001:db8::1 10.0.0.1", "10.0.0.1", null)]
    [InlineData("10.0.0.1/tentative", "10.0.0.1", null)]
    [InlineData("fe80::1/link", null, null)]
    public void Namespace_has_one_source_of_a_family_where_it_has_one_address(string addresses, string? ipv4, string? ipv6)
    {
        DeviceAddress[] all = [.. addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ToAddress)];

        Assert.Equal(ipv4, OnlyAddress.Of(all, IpFamily.IPv4)?.ToString());
        Assert.Equal(ipv6, OnlyAddress.Of(all, IpFamily.IPv6)?.ToString());
    }

    private static DeviceAddress ToAddress(string text, int device)
    {
        string[] parts = text.Split('/');
        string kind = parts.Length > 1 ? parts[1] : "";
        var scope = kind switch
        {
            "host" => AddressScope.Host,
            "link" => AddressScope.Link,
            _ => AddressScope.Global,
        };
        Assert.True(Address.TryParse(parts[0], out var address), parts[0]);
        return new DeviceAddress(device, address, 32, scope, IsSecondary: false, IsUsable: kind != "tentative");
    }
}
