using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;

namespace EbpfProxy.Testing.Node;

/// <summary>What tests want of the table of flows: rows by their keys.</summary>
internal static class FlowRows
{
    /// <summary>All rows.</summary>
    public static List<FlowRow> ReadAll(this FlowTable flows)
    {
        var buckets = new FlowBucket[flows.Length];
        flows.Read(0, buckets);
        List<FlowRow> rows = [];
        foreach (var bucket in buckets)
        {
            foreach (var row in bucket)
            {
                if (row.Word.IsRow)
                {
                    rows.Add(row);
                }
            }
        }

        return rows;
    }

    public static bool TryGet(this FlowTable flows, FlowKey key, out FlowWord word)
    {
        ulong digest = flows.DigestOf(key);
        word = flows.ReadAll().SingleOrDefault(row => row.Digest == digest).Word;
        return word.IsRow;
    }

    public static bool TryAdd(this FlowTable flows, FlowKey key, FlowWord word) =>
        flows.Change([new FlowChange(flows.DigestOf(key), default, word)]) == 1;

    public static bool TryDelete(this FlowTable flows, FlowKey key) =>
        flows.TryGet(key, out var word) && flows.Change([new FlowChange(flows.DigestOf(key), word, FlowWord.Gone)]) == 1;

    /// <summary>Adds a row, or puts it in the place of the one that is there.</summary>
    public static void Update(this FlowTable flows, FlowKey key, FlowWord word)
    {
        ulong digest = flows.DigestOf(key);
        while (!flows.TryAdd(key, word) && !(flows.TryGet(key, out var before) && flows.Change([new FlowChange(digest, before, word)]) == 1))
        {
        }
    }

    public static void Clear(this FlowTable flows) =>
        flows.Change([.. flows.ReadAll().Select(row => new FlowChange(row.Digest, row.Word, FlowWord.Gone))]);
}
