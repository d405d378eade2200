using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Conntrack;

/// <summary>An entry of the kernel's connection tracking, and the attributes that name it to the kernel.</summary>
internal sealed record ConntrackEntry(TrackedFlow Flow, byte[] Name);

/// <summary>
/// Reads the kernel's connection tracking, and deletes entries of UDP in it, by nfnetlink, in the network namespace of the
/// thread that makes it.
/// </summary>
internal sealed class ConntrackNetlink : IDisposable
{
    private const string CountFile = "/proc/sys/net/netfilter/nf_conntrack_count";
    private const int InvalidRequest = 22;
    private const int NoSuchEntry = 2;
    private const byte FamilyAny = 0;
    private const byte FamilyIPv4 = 2;
    private const byte FamilyIPv6 = 10;
    private const ushort Nested = 0x8000;
    private const uint ByProtocolNumber = 1 << 3;

    private readonly NetlinkSocket _socket = new(protocol: NetlinkSocket.Netfilter);

    /// <summary>Hears of a flow.</summary>
    public delegate void FlowReader(in ConntrackFlow flow);

    /// <summary>Whether the kernel has connection tracking now; it may come with a module.</summary>
    public static bool IsThere => File.Exists(CountFile);

    /// <summary>Whether there is any entry; to be asked before the table is read.</summary>
    public static bool HasEntries()
    {
        try
        {
            return File.ReadAllText(CountFile).Trim() != "0";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Nothing on this node has wanted connection tracking so far.
            return false;
        }
    }

    /// <summary>The entries of UDP of a family that <paramref name="isWanted"/> says yes to.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public List<ConntrackEntry> Find(IpFamily family, Predicate<TrackedFlow> isWanted)
    {
        NetlinkSocket.BodyReader<ConntrackEntry> read = body => ToEntry(body) is { } entry && isWanted(entry.Flow) ? entry : null;
        try
        {
            return _socket.Dump(ConntrackAttribute.GetEntry, UdpOnly(family), ConntrackAttribute.NewEntry, read);
        }
        catch (NetlinkException e) when (e.Errno == InvalidRequest)
        {
            // A kernel that cannot choose by protocol tells all.
            return _socket.Dump(ConntrackAttribute.GetEntry, Header(FamilyOf(family)), ConntrackAttribute.NewEntry, read);
        }
    }

    /// <summary>Reads all flows that have ports, one by one: there may be more than a list should hold.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void ReadAll(FlowReader read) => _socket.Dump<ConntrackEntry>(
        ConntrackAttribute.GetEntry,
        Header(FamilyAny),
        ConntrackAttribute.NewEntry,
        body =>
        {
            if (TryReadFlow(body) is { } flow)
            {
                read(flow);
            }

            return null;
        });

    /// <summary>The flows of a family that are sent to another destination than they asked, and are not over.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public IReadOnlyList<TrackedFlow> FindTranslated(IpFamily family)
    {
        List<TrackedFlow> found = [];
        ReadAll((in ConntrackFlow flow) =>
        {
            var tracked = ToTracked(flow);
            if (!flow.IsOver && tracked.Asked.Family == family && tracked.IsSentOn)
            {
                found.Add(tracked);
            }
        });
        return found;
    }

    /// <summary>Deletes an entry; false where there is none any more.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public bool TryDelete(ConntrackEntry entry)
    {
        byte[] request = [.. Header(FamilyOf(entry.Flow.Asked.Family)), .. entry.Name];
        int error = _socket.Do(ConntrackAttribute.DeleteEntry, request);
        return error switch
        {
            0 => true,
            NoSuchEntry => false,
            _ => throw new NetlinkException(error),
        };
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>What a message's body says; null where that is no flow with ports.</summary>
    internal static ConntrackFlow? TryReadFlow(ReadOnlySpan<byte> body) =>
        body.Length < ConntrackAttribute.MessageLength ? null : ConntrackFlow.TryRead(body[ConntrackAttribute.MessageLength..]);

    private static byte FamilyOf(IpFamily family) => family == IpFamily.IPv4 ? FamilyIPv4 : FamilyIPv6;

    private static byte[] Header(byte family) => [family, 0, 0, 0];

    private static byte[] UdpOnly(IpFamily family) =>
    [
        .. Header(FamilyOf(family)),
        .. NetlinkAttributes.Make(
            ConntrackAttribute.TupleOriginal | Nested,
            NetlinkAttributes.Make(ConntrackAttribute.TupleProtocol | Nested, NetlinkAttributes.Make(ConntrackAttribute.ProtocolNumber, (byte)Protocol.Udp))),
        .. NetlinkAttributes.Make(ConntrackAttribute.Filter | Nested, NetlinkAttributes.Make(ConntrackAttribute.FilterOriginal, BitConverter.GetBytes(ByProtocolNumber))),
    ];

    private static ConntrackEntry? ToEntry(ReadOnlySpan<byte> body)
    {
        if (TryReadFlow(body) is not { Original.Protocol: (byte)Protocol.Udp } flow)
        {
            return null;
        }

        // A request to delete without a tuple would be one to delete all.
        var attributes = body[ConntrackAttribute.MessageLength..];
        byte[] name = NetlinkAttributes.Make(
            ConntrackAttribute.TupleOriginal | Nested, NetlinkAttributes.Find(attributes, ConntrackAttribute.TupleOriginal));
        foreach (ushort type in new[] { ConntrackAttribute.Id, ConntrackAttribute.Zone })
        {
            var value = NetlinkAttributes.Find(attributes, type);
            name = value.IsEmpty ? name : [.. name, .. NetlinkAttributes.Make(type, value)];
        }

        return new ConntrackEntry(ToTracked(flow), name);
    }

    /// <summary>Whom the first packet asked, and who answers.</summary>
    private static TrackedFlow ToTracked(in ConntrackFlow flow) => new(
        (Protocol)flow.Original.Protocol, flow.Original.Destination, flow.Original.DestinationPort, flow.Reply.Source, flow.Reply.SourcePort)
    {
        Client = flow.Original.Source,
    };
}
