using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.NodePortStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>Whose sockets are translated: everybody's, the node's own, nobody's.</summary>
public sealed class SocketTranslationTests : IDisposable
{
    private readonly NodePortStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Setting_decides_whose_sockets_are_translated_and_what_is_connected_goes_on()
    {
        using var tcp = _stage.Client.Place.Hold("tcp", Cluster4, Port);
        using var udp = _stage.Client.Place.Hold("udp", Cluster4, Port);
        Answer[] before = [tcp.Ask(), udp.Ask()];
        Assert.All(before, answer => Assert.Equal($"{Cluster4}:{Port}", answer.Peer));
        Assert.Equal((true, true), (IsTranslated(_stage.Client.Place), IsTranslated(_stage.Node.Host)));

        _stage.Restart("--socket-translation=host");

        Assert.Equal((false, true), (IsTranslated(_stage.Client.Place), IsTranslated(_stage.Node.Host)));
        Assert.Equal((before[0], before[1]), (tcp.Ask(), udp.Ask()));

        _stage.Restart("--socket-translation=off");

        Assert.Equal((false, false), (IsTranslated(_stage.Client.Place), IsTranslated(_stage.Node.Host)));
        Assert.Equal((before[0], before[1]), (tcp.Ask(), udp.Ask()));
    }

    [KernelFact]
    public void Port_that_nobody_has_is_refused_by_the_packet_path_where_that_translates()
    {
        Assert.Equal("sendto ECONNREFUSED", _stage.Client.Place.AskInVain("udp4-send-only", Cluster4, 81));

        _stage.Restart("--socket-translation=host");

        Assert.Equal(["sent"], _stage.Client.Place.Probe("ask", "udp4-send-only", Cluster4, "81"));
        Assert.Equal("sendto ECONNREFUSED", _stage.Node.Host.AskInVain("udp4-send-only", Cluster4, 81));
    }

    /// <summary>Whether a datagram from there to the service is given a backend by the hooks.</summary>
    private bool IsTranslated(Place place)
    {
        double before = _stage.Proxy.Events("translated");
        place.Probe("ask", "udp4-send-only", Cluster4, $"{Port}");
        return _stage.Proxy.Events("translated") > before;
    }
}
