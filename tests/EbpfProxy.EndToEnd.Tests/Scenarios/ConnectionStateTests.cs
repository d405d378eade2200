using System.Net;
using System.Net.Sockets;
using System.Text;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;
using static EbpfProxy.EndToEnd.Tests.Scenarios.Check;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>TCP connections in states that connection tracking has its own mind about.</summary>
public sealed class ConnectionStateTests(ScenarioStage stage) : IClassFixture<ScenarioStage>
{
    private const int BoomPort = 9100;
    private const int HostPort = 9200;
    private const int Times = 5;

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public async Task CT_06e_Segment_out_of_the_window_resets_no_connection(int family)
    {
        var service = new ScenarioService($"ct06-{family}", 60 + family, stage.Endpoint("a2")) { Ports = [new("tcp", 80, BoomPort)], Type = "LoadBalancer" };
        using var listener = Listen(stage.Pod("a2"), family);
        stage.Apply(service);
        var cluster = (service.ClusterIP(family), 80);
        Soon(() => Assert.Equal("", stage.Sandboxed(stage.First).Run("bash", "-c", $"exec 3<>/dev/tcp/{cluster.Item1}/80").Error));
        (await listener.AcceptAsync(TestContext.Current.CancellationToken)).Dispose();

        foreach (var (place, address) in new[]
        {
            (stage.Sandboxed(stage.First), service.ClusterIP(family)),
            (stage.Client(stage.First).Place, service.ClusterIP(family)),
            (stage.First.HiddenHost, service.ClusterIP(family)),
            (stage.Cluster.Outside, service.Balancer(family)),
        })
        {
            await AskWithBoomsAsync(listener, place, address);
        }
    }

    [KernelFact]
    public async Task KP_01_Half_closed_connection_to_a_host_port_is_tracked_for_an_hour()
    {
        Assert.SkipUnless(File.Exists("/proc/net/nf_conntrack"), "the kernel shows no connection tracking");
        var pod = stage.Pod("b2");
        using var listener = Listen(pod, 4);
        stage.First.AddHostPort(HostPort, stage.Pod("b1"), BoomPort);
        stage.Second.AddHostPort(HostPort, pod, BoomPort);
        Socket? client = null;
        stage.First.Network.Invoke(() =>
        {
            client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(IPAddress.Parse(stage.Second.IPv4), HostPort);
        });
        using var leaked = client;
        using var server = await listener.AcceptAsync(TestContext.Current.CancellationToken);

        leaked!.Shutdown(SocketShutdown.Send);

        Soon(() =>
        {
            string[] entries = stage.First.Host.Run("cat", "/proc/net/nf_conntrack").Output.Split('\n');
            string entry = Assert.Single(entries, line => line.Contains($"dport={HostPort} ", StringComparison.Ordinal) && line.Contains(" CLOSE_WAIT ", StringComparison.Ordinal));
            Assert.InRange(int.Parse(entry.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4], System.Globalization.CultureInfo.InvariantCulture), 3540, 3600);
        });
    }

    private static Socket Listen(Pod pod, int family)
    {
        Socket? listener = null;
        pod.Network.Invoke(() =>
        {
            listener = new Socket(family == 4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(family == 4 ? IPAddress.Any : IPAddress.IPv6Any, BoomPort));
            listener.Listen();
        });
        return listener!;
    }

    /// <summary>Questions on one connection, each behind a segment that is far from what the client waits for.</summary>
    private async Task AskWithBoomsAsync(Socket listener, Place place, string address)
    {
        using var held = place.Hold("tcp", address, 80);
        using var server = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        byte[] boom = Packet.Tcp($"{server.LocalEndPoint}", $"{server.RemoteEndPoint}").Ack().Numbers(0x13572468, 0x24681357).Payload(10).ToBytes();
        for (int i = 0; i < Times; i++)
        {
            stage.Pod("a2").Network.Invoke(() => SendRaw(boom, ((IPEndPoint)server.RemoteEndPoint!).Address));
            var asked = Task.Run(held.Ask);
            byte[] question = new byte[16];
            Assert.NotEqual(0, await server.ReceiveAsync(question, TestContext.Current.CancellationToken));
            await server.SendAsync(Encoding.ASCII.GetBytes("name=boom client=any\n"), TestContext.Current.CancellationToken);
            Assert.Equal("boom", (await asked).Name);
        }
    }

    private static void SendRaw(byte[] packet, IPAddress to)
    {
        using var socket = new Socket(to.AddressFamily, SocketType.Raw, ProtocolType.Raw);
        socket.SendTo(packet, new IPEndPoint(to, 0));
    }
}
