using System.Text;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tests.Network;

public class ProtocolNamesTests
{
    [Theory]
    [InlineData("TCP", Protocol.Tcp)]
    [InlineData("UDP", Protocol.Udp)]
    [InlineData("SCTP", Protocol.Sctp)]
    [InlineData("tcp", default(Protocol))]
    [InlineData("", default(Protocol))]
    public void Protocols_are_read_in_capitals(string text, Protocol expected)
    {
        bool isKnown = ProtocolNames.TryParse(text, out var protocol);

        Assert.Equal(expected != default, isKnown);
        Assert.Equal(expected, protocol);
        Assert.Equal(isKnown, ProtocolNames.TryParse(Encoding.UTF8.GetBytes(text), out _));
        Assert.True(!isKnown || ProtocolNames.Of(protocol) == text);
    }
}
