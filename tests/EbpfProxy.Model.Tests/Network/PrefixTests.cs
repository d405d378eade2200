using System.Text;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tests.Network;

public class PrefixTests
{
    [Theory]
    [InlineData("203.0.113.000/025", "203.0.113.0/25")]
    [InlineData("10.1.2.3/8", "10.0.0.0/8")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("1.2.3.4/32", "1.2.3.4/32")]
    [InlineData("::/0", "::/0")]
    [InlineData("fd00::1/128", "fd00::1/128")]
    [InlineData("::ffff:10.1.2.3/104", "10.0.0.0/8")]
    [InlineData("::ffff:10.1.2.3/96", "0.0.0.0/0")]
    [InlineData("::ffff:10.1.2.3/80", "::/80")]
    public void Prefixes_are_read_sloppily(string text, string expected)
    {
        Assert.True(Prefix.TryParse(text, out var prefix));
        Assert.True(Prefix.TryParse(Encoding.UTF8.GetBytes(text), out var fromBytes));

        Assert.Equal(expected, prefix.ToString());
        Assert.Equal(prefix, fromBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.2.3.4")]
    [InlineData("1.2.3.4/")]
    [InlineData("1.2.3.4/33")]
    [InlineData("1.2.3.4/-1")]
    [InlineData("::/129")]
    [InlineData("/8")]
    [InlineData(" 1.2.3.4/8")]
    [InlineData("1.2.3.4/8/8")]
    public void What_is_no_prefix_is_not_read(string text)
    {
        Assert.False(Prefix.TryParse(text, out _));
        Assert.False(Prefix.TryParse(Encoding.UTF8.GetBytes(text), out _));
    }

    [Theory]
    [InlineData("203.0.113.0/25", "203.0.113.0", true)]
    [InlineData("203.0.113.0/25", "203.0.113.127", true)]
    [InlineData("203.0.113.0/25", "203.0.113.128", false)]
    [InlineData("203.0.113.0/25", "203.0.112.255", false)]
    [InlineData("0.0.0.0/0", "255.255.255.255", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("::/0", "1.2.3.4", false)]
    [InlineData("::/0", "ffff::1", true)]
    public void A_prefix_contains_the_addresses_of_its_family_in_its_range(string prefix, string address, bool expected) =>
        Assert.Equal(expected, Samples.Net(prefix).Contains(Samples.Ip(address)));
}
