using System.Net;
using System.Net.Sockets;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Conntrack;

/// <summary>
/// A node between a client and a backend that sends back what it gets, TCP and UDP, with rules that translate as those of
/// kube-proxy do. The node's connection tracking goes on by what it remembers when they are gone.
/// </summary>
internal sealed class TranslatedStage : IDisposable
{
    public const int BackendPort = 8080;

    private const string Topology = """
        set -e

        # An address that is still looked for in the network cannot ask for neighbours.
        for name in "$1" "$2" "$3"; do
          nsenter --net="/run/netns/$name" sh -c 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/default/dad_transmits'
        done
        ip -n "$1" link add c0 type veth peer name eth0 netns "$2"
        ip -n "$1" link add b0 type veth peer name eth0 netns "$3"
        for device in c0 b0; do ip -n "$1" link set $device up; done
        ip -n "$1" addr add 192.0.2.1/24 dev c0
        ip -n "$1" addr add fd00:c::1/64 dev c0 nodad
        ip -n "$1" addr add 10.0.0.254/24 dev b0
        ip -n "$1" addr add fd00:b::fe/64 dev b0 nodad
        ip -n "$2" addr add 192.0.2.2/24 dev eth0
        ip -n "$2" addr add fd00:c::2/64 dev eth0 nodad
        ip -n "$3" addr add 10.0.0.1/24 dev eth0
        ip -n "$3" addr add fd00:b::1/64 dev eth0 nodad
        for number in 2 3; do ip -n "${!number}" link set eth0 up; done
        ip -n "$2" route add default via 192.0.2.1
        ip -n "$2" -6 route add default via fd00:c::1
        ip -n "$3" route add default via 10.0.0.254
        ip -n "$3" -6 route add default via fd00:b::fe
        nsenter --net="/run/netns/$1" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
        nsenter --net="/run/netns/$1" nft add table inet others
        nsenter --net="/run/netns/$1" nft add chain inet others postrouting '{ type nat hook postrouting priority srcnat; }'
        nsenter --net="/run/netns/$1" nft add rule inet others postrouting oifname other masquerade
        """;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private readonly ScratchNetworkNamespace _client = new();
    private readonly ScratchNetworkNamespace _backend = new();
    private readonly List<Socket> _sockets = [];

    public TranslatedStage()
    {
        Shell.Require(Topology, Node.Name, _client.Name, _backend.Name);
        _backend.Invoke(() =>
        {
            SendBackStreams(Listen(SocketType.Stream, ProtocolType.Tcp));
            SendBackDatagrams(Listen(SocketType.Dgram, ProtocolType.Udp));
        });
    }

    public ScratchNetworkNamespace Node { get; } = new();

    public static string BackendAddress(int family) => family == 4 ? "10.0.0.1" : "fd00:b::1";

    /// <summary>Sends what is for an address and port 80 to the backend, as rules of kube-proxy do.</summary>
    public void Translate(string protocol, string address, bool masquerades = false)
    {
        string family = address.Contains(':', StringComparison.Ordinal) ? "ip6" : "ip";
        string backend = family == "ip6" ? $"[{BackendAddress(6)}]" : BackendAddress(4);
        string masquerade = masquerades
            ? $"chain postrouting {{ type nat hook postrouting priority srcnat - 1; {family} daddr {backend.Trim('[', ']')} masquerade; }}"
            : "";
        Nft($"""
            table inet as-kube-proxy {"{"}
              chain prerouting {"{"}
                type nat hook prerouting priority dstnat;
                {family} daddr {address} {protocol} dport 80 dnat {family} to {backend}:{BackendPort}
              {"}"}
              {masquerade}
            {"}"}
            """);
    }

    /// <summary>Takes these rules away.</summary>
    public void RemoveRules() => Shell.Require("nsenter --net=\"$1\" nft delete table inet as-kube-proxy", Node.Path);

    /// <summary>A socket of the client that is connected, with a port of its own or a given one.</summary>
    public Socket Connect(string protocol, string address, int port = 80, int fromPort = 0)
    {
        Socket? socket = null;
        _client.Invoke(() =>
        {
            var to = IPAddress.Parse(address);
            socket = protocol == "tcp"
                ? new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
                : new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(to.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, fromPort));
            socket.ReceiveTimeout = (int)_patience.TotalMilliseconds;
            socket.SendTimeout = (int)_patience.TotalMilliseconds;
            socket.Connect(to, port);
        });
        _sockets.Add(socket!);
        return socket!;
    }

    /// <summary>Lets a socket of UDP of the client ask an address, without connecting to it, and waits for the answer.</summary>
    public Socket Ask(string address, int port = 80)
    {
        Socket? socket = null;
        _client.Invoke(() =>
        {
            var to = new IPEndPoint(IPAddress.Parse(address), port);
            socket = new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = (int)_patience.TotalMilliseconds };
            EndPoint from = to;
            socket.SendTo("asked"u8, to);
            Assert.Equal(5, socket.ReceiveFrom(new byte[64], ref from));
        });
        _sockets.Add(socket!);
        return socket!;
    }

    /// <summary>Whether what a socket sends comes back.</summary>
    public static bool IsAnswered(Socket socket)
    {
        byte[] sent = Guid.NewGuid().ToByteArray();
        byte[] received = new byte[sent.Length];
        try
        {
            socket.Send(sent);
            int length = socket.Receive(received);
            return received.AsSpan(0, length).SequenceEqual(sent);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        lock (_sockets)
        {
            _sockets.ForEach(socket => socket.Dispose());
        }

        _client.Dispose();
        _backend.Dispose();
        Node.Dispose();
    }

    private void Nft(string rules) => Shell.Require("nsenter --net=\"$1\" nft -f - <<< \"$2\"", Node.Path, rules);

    private Socket Listen(SocketType type, ProtocolType protocol)
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, type, protocol) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, BackendPort));
        _sockets.Add(socket);
        return socket;
    }

    private void SendBackStreams(Socket listening)
    {
        listening.Listen();
        InBackground(() =>
        {
            var accepted = listening.Accept();
            lock (_sockets)
            {
                _sockets.Add(accepted);
            }

            InBackground(() => accepted.Send(Received(accepted)));
        });
    }

    private static ReadOnlySpan<byte> Received(Socket socket)
    {
        byte[] message = new byte[64];
        int length = socket.Receive(message);
        return length > 0 ? message.AsSpan(0, length) : throw new SocketException((int)SocketError.ConnectionReset);
    }

    private static void SendBackDatagrams(Socket socket) => InBackground(() =>
    {
        byte[] message = new byte[64];
        EndPoint from = new IPEndPoint(IPAddress.IPv6Any, 0);
        int length = socket.ReceiveFrom(message, ref from);
        socket.SendTo(message.AsSpan(0, length), from);
    });

    /// <summary>Does it again and again, until the socket is closed.</summary>
    private static void InBackground(Action step)
    {
        var thread = new Thread(() => Repeat(step)) { IsBackground = true };
        thread.Start();
    }

    private static void Repeat(Action step)
    {
        try
        {
            while (true)
            {
                step();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The stage ends, or the client did.
        }
    }
}
