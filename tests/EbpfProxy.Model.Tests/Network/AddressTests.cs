using System.Runtime.CompilerServices;
using System.Text;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Model.Tests.Network;

public class AddressTests
{
    [Theory]
    [InlineData("192.168.099.022", "192.168.99.22")]
    [InlineData("10.180.00.001", "10.180.0.1")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("010.0.0.0000000001", "10.0.0.1")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("1::", "1::")]
    [InlineData("FD00:10::a", "fd00:10::a")]
    [InlineData("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8")]
    [InlineData("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8")]
    [InlineData("::ffff:1.2.3.4", "1.2.3.4")]
    [InlineData("::ffff:102:304", "1.2.3.4")]
    [InlineData("64:ff9b::1.2.3.4", "64:ff9b::102:304")]
    public void Addresses_are_read_as_Kubernetes_reads_them(string text, string expected)
    {
        Assert.True(Address.TryParse(text, out var address));
        Assert.True(Address.TryParse(Encoding.UTF8.GetBytes(text), out var fromBytes));

        Assert.Equal(expected, address.ToString());
        Assert.Equal(address, fromBytes);
        Assert.Equal(address, Address.From(address.ToIPAddress()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2..4")]
    [InlineData("1.2.3.")]
    [InlineData("0x1.2.3.4")]
    [InlineData("1.2.3.-4")]
    [InlineData(" 1.2.3.4")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1::2::3")]
    [InlineData(":1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3:4::5:6:7:8")]
    [InlineData("12345::")]
    [InlineData("g::")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("1.2.3.4::")]
    [InlineData("::1.2.3")]
    [InlineData("\u0661.2.3.4")]
    public void What_is_no_address_is_not_read(string text)
    {
        Assert.False(Address.TryParse(text, out var address));
        Assert.False(Address.TryParse(Encoding.UTF8.GetBytes(text), out _));
        Assert.Equal(default, address);
    }

    [Fact]
    public void Reading_an_address_allocates_nothing()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isRead = Address.TryParse("192.168.099.022"u8, out _) && Address.TryParse("fd00:10::a"u8, out _);
        long after = GC.GetAllocatedBytesForCurrentThread();

        Assert.True(isRead);
        Assert.Equal(before, after);
    }

    [Theory]
    [InlineData("127.0.0.0", true)]
    [InlineData("127.255.255.255", true)]
    [InlineData("126.255.255.255", false)]
    [InlineData("128.0.0.0", false)]
    [InlineData("::1", true)]
    [InlineData("::2", false)]
    [InlineData("1::1", false)]
    public void Loopback_is_known_with_its_neighbours(string text, bool expected) =>
        Assert.Equal(expected, Samples.Ip(text).IsLoopback);

    [Fact]
    public void Rows_of_large_clusters_are_small()
    {
        Assert.Equal(16, Unsafe.SizeOf<Address>());
        Assert.Equal(20, Unsafe.SizeOf<Backend>());
        Assert.Equal(20, Unsafe.SizeOf<Frontend>());
        Assert.Equal(32, Unsafe.SizeOf<EbpfProxy.Model.Cluster.Endpoint>());
    }
}
