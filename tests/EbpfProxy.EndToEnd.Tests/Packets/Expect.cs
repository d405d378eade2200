using System.Globalization;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What a test of the packet path says about answers, in the words of the stage.</summary>
internal static class Expect
{
    /// <summary>An address as a server that listens on both families reports it, up to its port.</summary>
    public static string Seen(string address) =>
        address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:" : $"mapped:{address}:";

    /// <summary>An address and port as a client of that family reports its peer.</summary>
    public static string Peer((string Address, int Port) door) => door.Address.Contains(':', StringComparison.Ordinal)
        ? $"[{door.Address}]:{door.Port}"
        : $"{door.Address}:{door.Port}";

    /// <summary>The row of the probe that asks by a connected socket.</summary>
    public static string Row(string protocol, int family) => protocol == "tcp" ? $"tcp{family}" : $"udp{family}-connect";

    /// <summary>Each of TCP and UDP in each family is answered by a backend that sees this client.</summary>
    public static void Answered(
        this PacketStage stage, Place from, Service service, Frontend frontend, string name, Func<int, string>? client = null)
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(service, frontend, family);
            foreach (string protocol in new[] { "tcp", "udp" })
            {
                string row = Row(protocol, family);
                long dropped = DroppedInBacklogs();
                string[] lines = Ask();
                if (protocol == "udp" && lines.Contains(ProbeClient.LostDatagram) && DroppedInBacklogs() != dropped)
                {
                    // The machine itself lost packets meanwhile, and says so.
                    lines = Ask();
                }

                Assert.True(lines.Length == 3, $"{row} to {Peer(door)}: {string.Join(", ", lines)}");

                string[] Ask() => from.Probe("-w", "3000", "ask", row, door.Address, $"{door.Port}");
                foreach (var answer in lines.Select(ProbeClient.ToAnswer))
                {
                    Assert.Equal((row, name, Peer(door)), (row, answer.Name, answer.Peer));
                    Assert.StartsWith(client is null ? "" : Seen(client(family)), answer.Client, StringComparison.Ordinal);
                }
            }
        }
    }

    /// <summary>
    /// How many packets found no room in the backlog of their processor, which all network namespaces share: the second number of
    /// each line of softnet_stat.
    /// </summary>
    private static long DroppedInBacklogs() => File.ReadLines("/proc/net/softnet_stat").Sum(
        line => long.Parse(line.Split(' ')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}
