using System.Buffers.Binary;
using System.Text;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>
/// Changes of nftables that the kernel makes all or none, and only where nothing changed since <paramref name="generation"/>.
/// </summary>
internal sealed class NftTransaction(uint generation)
{
    // The upper byte is NFNL_SUBSYS_NFTABLES.
    private const ushort DeleteTableType = 0x0a02;
    private const ushort DeleteChainType = 0x0a05;
    private const ushort DeleteRuleType = 0x0a08;

    private const ushort BatchBegin = 0x10;
    private const ushort BatchEnd = 0x11;
    private const ushort BatchGeneration = 1;
    private const ushort Subsystem = 10;

    private const ushort TableName = 1;
    private const ushort ChainTable = 1;
    private const ushort ChainName = 3;
    private const ushort RuleTable = 1;
    private const ushort RuleChain = 2;
    private const ushort RuleHandle = 3;

    private readonly List<NetlinkRequest> _requests = [];

    /// <summary>A table with all that is in it.</summary>
    public void DeleteTable(NftFamily family, string table) => Add(DeleteTableType, family, (TableName, Text(table)));

    public void DeleteRule(NftFamily family, string table, string chain, ulong handle)
    {
        byte[] value = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(value, handle);
        Add(DeleteRuleType, family, (RuleTable, Text(table)), (RuleChain, Text(chain)), (RuleHandle, value));
    }

    /// <summary>All rules of a chain.</summary>
    public void Flush(NftFamily family, string table, string chain) =>
        Add(DeleteRuleType, family, (RuleTable, Text(table)), (RuleChain, Text(chain)));

    /// <summary>A chain that nothing leads to and that has no rules.</summary>
    public void DeleteChain(NftFamily family, string table, string chain) =>
        Add(DeleteChainType, family, (ChainTable, Text(table)), (ChainName, Text(chain)));

    /// <summary>Returns 0, or the number of the first error: nothing has changed then.</summary>
    /// <exception cref="IOException">The kernel does not answer.</exception>
    public int Commit(NetlinkSocket socket)
    {
        byte[] number = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(number, generation);
        byte[] frame = [0, 0, 0, (byte)Subsystem];
        return socket.DoAll(
        [
            new NetlinkRequest(BatchBegin, [.. frame, .. NetlinkAttributes.Make(BatchGeneration, number)]),
            .. _requests,
            new NetlinkRequest(BatchEnd, frame),
        ]);
    }

    private void Add(ushort type, NftFamily family, params ReadOnlySpan<(ushort Type, byte[] Value)> attributes)
    {
        List<byte> body = [(byte)family, 0, 0, 0];
        foreach (var (attribute, value) in attributes)
        {
            body.AddRange(NetlinkAttributes.Make(attribute, value));
        }

        _requests.Add(new NetlinkRequest(type, [.. body]));
    }

    private static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}
