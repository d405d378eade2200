using System.Globalization;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Probe;

/// <summary>An answer: who gave it, whom it saw asking, and who the asking socket believes it is.</summary>
internal sealed record Answer(string Name, string Client, string Peer);

/// <summary>Asks services from a place, by the program in this folder.</summary>
internal static class ProbeClient
{
    /// <summary>What it says of a datagram that was not answered in time.</summary>
    public const string LostDatagram = "error call=recv errno=EAGAIN";

    private static readonly string _program = Path.Combine(AppContext.BaseDirectory, "probe");

    /// <summary>A server on ports such as 8080 or 8000-8009 that answers with its name and the port; it listens on return.</summary>
    public static LineProcess Serve(this Pod pod, params IEnumerable<string> ports) => pod.Place.Serve(pod.Name, ports);

    public static LineProcess Serve(this Place place, string name, params IEnumerable<string> ports)
    {
        var server = place.Start([_program, "serve", name, .. ports]);
        Assert.Equal("ready", server.ReadLine());
        return server;
    }

    /// <summary>All lines of a command of the probe.</summary>
    public static string[] Probe(this Place place, params IEnumerable<string> words)
    {
        var result = place.Run([_program, .. words]);
        Assert.True(result.Error.Length == 0, $"{string.Join(' ', words)}: {result.Error}{result.Output}");
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Asks in the way that <paramref name="row"/> names; every answer.</summary>
    public static Answer[] Ask(this Place place, string row, string address, int port) =>
        [.. place.Probe("ask", row, address, $"{port}").Select(ToAnswer)];

    /// <summary>Asks from a source port of one's own.</summary>
    public static Answer[] AskFrom(this Place place, int sourcePort, string row, string address, int port) =>
        [.. place.Probe("-p", $"{sourcePort}", "ask", row, address, $"{port}").Select(ToAnswer)];

    /// <summary>Asks two addresses from one socket.</summary>
    public static Answer[] Ask(this Place place, string row, (string Address, int Port) first, (string Address, int Port) second) =>
        [.. place.Probe("ask", row, first.Address, $"{first.Port}", second.Address, $"{second.Port}").Select(ToAnswer)];

    /// <summary>Asks many addresses from one unconnected UDP socket before it takes the first answer.</summary>
    public static Answer[] AskMany(this Place place, int family, params IEnumerable<(string Address, int Port)> services) =>
        [.. place.Probe(["many", $"{family}", .. services.SelectMany(s => new[] { s.Address, $"{s.Port}" })]).Select(ToAnswer)];

    /// <summary>How asking fails: the call and the error's name, such as "connect ECONNREFUSED".</summary>
    public static string AskInVain(this Place place, string row, string address, int port)
    {
        var words = Words(Assert.Single(place.Probe("ask", row, address, $"{port}")));
        return words.TryGetValue("call", out string? call) ? $"{call} {words["errno"]}" : $"answered by {words["name"]}";
    }

    /// <summary>Connects from a socket that was bound to an address of its own, and asks.</summary>
    public static string[] AskFrom(this Place place, string protocol, string own, string address, int port) =>
        place.Probe("from", protocol, own, address, $"{port}");

    /// <summary>Binds a socket: "bound", or how it fails, such as "bind EADDRINUSE".</summary>
    public static string Bind(this Place place, string protocol, string address, int port)
    {
        string line = Assert.Single(place.Probe("bind", protocol, address, $"{port}"));
        return line == "bound" ? line : $"{Words(line)["call"]} {Words(line)["errno"]}";
    }

    /// <summary>The same where nothing may come back at all, which is not waited for long.</summary>
    public static string AskInSilence(this Place place, string row, string address, int port)
    {
        var words = Words(Assert.Single(place.Probe("-w", "400", "ask", row, address, $"{port}")));
        return words.TryGetValue("errno", out string? error) ? error : $"answered by {words["name"]}";
    }

    /// <summary>Sends so much and gets as much back, by TCP as a stream and by UDP in one datagram.</summary>
    public static Answer Bulk(this Place place, string protocol, string address, int port, int bytes) =>
        ToAnswer(Assert.Single(place.Probe("bulk", protocol, address, $"{port}", $"{bytes}")));

    /// <summary>Asks by a raw socket that makes the UDP datagram itself.</summary>
    public static Answer AskRaw(this Place place, string address, int port) =>
        ToAnswer(Assert.Single(place.Probe("-w", "3000", "raw", address, $"{port}")));

    /// <summary>The same with a datagram of a size, cut in pieces of which the last is sent first.</summary>
    public static Answer AskInReversedFragments(this Place place, string address, int port, int bytes) =>
        ToAnswer(Assert.Single(place.Probe("-w", "3000", "raw", address, $"{port}", $"{bytes}")));

    /// <summary>Sends packets that begin a flow each and then say nothing: "udp" or "syn".</summary>
    public static void Spray(this Place place, string kind, string address, int port, int count) =>
        Assert.Equal($"sprayed count={count}", Assert.Single(place.Probe("spray", kind, address, $"{port}", $"{count}")));

    /// <summary>Begins flows with two datagrams each, from two CPUs at once; the words of a line for each flow.</summary>
    public static IReadOnlyList<Dictionary<string, string>> Race(this Place place, string address, int port, int flows) =>
        [.. place.Probe("race", address, $"{port}", $"{flows}").Select(Words)];

    /// <summary>Takes what is redirected to a port, and passes it on to where it was for.</summary>
    public static LineProcess StartSidecar(this Pod pod, int family, int port, int mark)
    {
        var sidecar = pod.Place.Start(_program, "sidecar", $"{family}", $"{port}", $"{mark}");
        Assert.Equal("ready", sidecar.ReadLine());
        return sidecar;
    }

    /// <summary>Makes a device whose packets have no link header, and which gives back what is sent there by UDP.</summary>
    public static LineProcess StartTunnel(this Place place, string device)
    {
        var tunnel = place.Start(_program, "tunnel", device);
        Assert.Equal("ready", tunnel.ReadLine());
        return tunnel;
    }

    /// <summary>Connections that are all open at once, spread over the targets.</summary>
    public static Crowd Crowd(this Place place, string protocol, int count, params IEnumerable<(string Address, int Port)> targets) =>
        new(place.Start([_program, "crowd", protocol, $"{count}", .. targets.SelectMany(t => new[] { t.Address, $"{t.Port}" })]), count);

    /// <summary>How many of so many connections each backend got.</summary>
    public static Dictionary<string, int> Spread(this Place place, string protocol, string address, int port, int count) =>
        place.Probe("spread", protocol, address, $"{port}", $"{count}")
            .Select(Words)
            .ToDictionary(words => words["name"], words => int.Parse(words["times"], CultureInfo.InvariantCulture));

    /// <param name="place">Where.</param>
    /// <param name="protocol">tcp or udp; "datagrams" for a socket of UDP that is not connected.</param>
    /// <param name="address">Whom to ask.</param>
    /// <param name="port">At which port.</param>
    public static HeldConnection Hold(this Place place, string protocol, string address, int port) =>
        new(place.Start(_program, "hold", protocol, address, $"{port}"));

    /// <summary>The same by a program that makes another socket where one fails; see <see cref="HeldConnection.AskAnew"/>.</summary>
    public static HeldConnection Follow(this Place place, string protocol, string address, int port) =>
        new(place.Start(_program, "follow", protocol, address, $"{port}"));

    public static HeldConnection HoldFrom(this Place place, int sourcePort, string protocol, string address, int port) =>
        new(place.Start(_program, "-p", $"{sourcePort}", "hold", protocol, address, $"{port}"));

    /// <summary>Connections without a pause; the names of those who answer must begin with the prefixes.</summary>
    public static Load Load(this Place place, string protocol, params IEnumerable<(string Address, int Port, string Prefix)> targets) =>
        new(place.Start([_program, "load", protocol, "2", .. targets.SelectMany(t => new[] { t.Address, $"{t.Port}", t.Prefix })]));

    internal static Answer ToAnswer(string line)
    {
        Assert.True(line.StartsWith("answer ", StringComparison.Ordinal), line);
        var words = Words(line);
        return new Answer(words["name"], words["client"], words["peer"]);
    }

    internal static Dictionary<string, string> Words(string line) => line
        .Split(' ')
        .Where(word => word.Contains('=', StringComparison.Ordinal))
        .Select(word => word.Split('=', 2))
        .ToDictionary(pair => pair[0], pair => pair[1]);
}
