using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>What a service did since it is there.</summary>
/// <param name="ServiceId">Its id in the tables.</param>
/// <param name="Service">The service.</param>
/// <param name="Opened">Connections that got a backend, by sockets and in packets.</param>
/// <param name="Open">Those of them that are not over.</param>
/// <param name="BytesSent">To backends, as far as it is counted: by TCP sockets, and in packets from the IP header on.</param>
/// <param name="BytesReceived">The same from backends.</param>
/// <param name="Refusals">What was refused or dropped, by reason.</param>
/// <param name="CountsSocketBytes">Whether the bytes of its sockets are counted now; those in packets always are.</param>
public sealed record ServiceTally(
    uint ServiceId, ServiceKey Service, ulong Opened, ulong Open, ulong BytesSent, ulong BytesReceived, ServiceRefusals Refusals, bool CountsSocketBytes)
{
    /// <summary>Whether something was measured: else its bytes are 0 because nobody counted them.</summary>
    public bool HasBytes => CountsSocketBytes || BytesSent + BytesReceived > 0;
}

/// <summary>How many connections of a service were refused or dropped.</summary>
/// <param name="NoEndpoint">Nobody could answer.</param>
/// <param name="NoLocalEndpoint">Policy Local, and no endpoint on this node.</param>
/// <param name="SourceDenied">The client is in no loadBalancerSourceRanges.</param>
/// <param name="NoRoom">The table of connections was full, or there was no address or port to mask the client with.</param>
public readonly record struct ServiceRefusals(ulong NoEndpoint, ulong NoLocalEndpoint, ulong SourceDenied, ulong NoRoom)
{
    public ulong Sum => NoEndpoint + NoLocalEndpoint + SourceDenied + NoRoom;
}

/// <summary>Reads what services did from the pinned maps; needs no daemon, and changes nothing.</summary>
public static class TallyView
{
    private const int PartLength = 1024;

    /// <summary>How many services there are.</summary>
    /// <exception cref="IOException">There are no tables below <paramref name="bpfFileSystem"/>.</exception>
    public static int CountServices(string bpfFileSystem) => ServiceNames.Read(DatapathView.FolderOf(bpfFileSystem)).Count;

    /// <summary>
    /// Each service's, with the bytes of what is open now. What ends while this reads may lack its bytes, but no byte counts
    /// twice: what is over is read first.
    /// </summary>
    /// <exception cref="IOException">There are no tables below <paramref name="bpfFileSystem"/>.</exception>
    public static IReadOnlyList<ServiceTally> Read(string bpfFileSystem)
    {
        string folder = DatapathView.FolderOf(bpfFileSystem);
        bool countsSocketBytes = DatapathState.CountsSocketBytes(bpfFileSystem);
        var rows = ReadOver(folder, countsSocketBytes);
        var open = new Dictionary<uint, (ulong Sent, ulong Received)>();
        AddPackets(DatapathOptions.PinRootOf(bpfFileSystem), open);

        // To ask the kernel for every socket of the node is dear, and where no bytes are counted it tells nothing.
        if (countsSocketBytes)
        {
            AddSockets(bpfFileSystem, open);
        }

        return
        [
            .. rows
                .Select(row => open.GetValueOrDefault(row.ServiceId) is var (sent, received)
                    ? row with { BytesSent = row.BytesSent + sent, BytesReceived = row.BytesReceived + received }
                    : row)
                .OrderBy(row => row.Service.Service)
                .ThenBy(row => row.Service.PortName, StringComparer.Ordinal)
                .ThenBy(row => row.Service.Family),
        ];
    }

    private static List<ServiceTally> ReadOver(string folder, bool countsSocketBytes)
    {
        var rows = new List<ServiceTally>();
        using var map = BpfMap.OpenPinned(Path.Combine(folder, TableNames.Tallies));
        using var tallies = new BpfArrayMap<TallyValue>(map).MemoryMap();
        foreach (var (id, key) in ServiceNames.Read(folder).Where(row => row.Key < tallies.Length))
        {
            var tally = tallies[(int)id];
            var refusals = new ServiceRefusals(tally.NoEndpoint, tally.NoLocalEndpoint, tally.SourceDenied, tally.NoRoom);
            // Of datagrams of sockets nobody knows the bytes; SCTP goes in packets alone.
            bool hasAll = key.Protocol == Protocol.Sctp || (key.Protocol == Protocol.Tcp && countsSocketBytes);
            rows.Add(new ServiceTally(id, key, tally.Opened, tally.Open, tally.BytesSent, tally.BytesReceived, refusals, hasAll));
        }

        return rows;
    }

    /// <summary>In parts: mapped as a whole the table would count to this process's memory.</summary>
    private static void AddPackets(string root, Dictionary<uint, (ulong Sent, ulong Received)> open)
    {
        string? folder = PinLayout.FindConnections(root);
        using var map = folder is null ? null : BpfMap.TryOpenPinned(Path.Combine(folder, TableNames.Connections));
        if (map is null || !HasConnections(folder!))
        {
            return;
        }

        var connections = new BpfArrayMap<ConnectionValue>(map);
        var part = new ConnectionValue[Math.Min(PartLength, connections.Length)];
        for (int first = 0; first < connections.Length; first += part.Length)
        {
            var rest = part.AsSpan(0, Math.Min(part.Length, connections.Length - first));
            connections.Read(first, rest);
            foreach (ref readonly var one in rest)
            {
                if (one.Protocol != 0)
                {
                    Add(open, one.Service, one.BytesAsk, one.BytesAnswer);
                }
            }
        }
    }

    private static void AddSockets(string bpfFileSystem, Dictionary<uint, (ulong Sent, ulong Received)> open)
    {
        foreach (var socket in SocketView.Read(bpfFileSystem).Where(socket => socket.IsTallied))
        {
            Add(open, socket.ServiceId, socket.BytesSent ?? 0, socket.BytesReceived ?? 0);
        }
    }

    private static bool HasConnections(string folder)
    {
        using var map = BpfMap.OpenPinned(Path.Combine(folder, TableNames.PathStates));
        return new BpfArrayMap<PathState>(map)[0].IsInUse != 0;
    }

    private static void Add(Dictionary<uint, (ulong Sent, ulong Received)> open, uint service, ulong sent, ulong received)
    {
        var (sentBefore, receivedBefore) = open.GetValueOrDefault(service);
        open[service] = (sentBefore + sent, receivedBefore + received);
    }
}
