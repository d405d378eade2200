using System.Buffers.Binary;
using EbpfProxy.Datapath.Abi;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Conntrack;

/// <summary>
/// The table by which the programs know what the kernel's connection tracking translates. It is filled by looks through all
/// of it, each of which ends what it did not see, and by what is heard between them. Not thread-safe.
/// </summary>
internal sealed class TrackedTable(BpfMap map, TimeProvider time)
{
    private const double NanosecondsASecond = 1_000_000_000;
    private const int Full = 7; // E2BIG

    private readonly BpfHashMap<FlowKey, TrackedValue> _rows = new(map);
    private uint _look;

    /// <summary>How many packets it knows: one direction of a flow, or both where it is masqueraded too.</summary>
    public int Count { get; private set; }

    /// <summary>How many of those that were found since the last look began had no place.</summary>
    public int LeftOut { get; private set; }

    public void BeginLook()
    {
        _look++;
        LeftOut = 0;
    }

    /// <summary>Removes what was not kept since the look began.</summary>
    public void EndLook()
    {
        FlowKey[] gone = [.. _rows.Enumerate().Where(row => row.Value.Look != _look).Select(row => row.Key)];
        Count -= _rows.DeleteBatch(gone);
    }

    public void Keep(in ConntrackFlow flow)
    {
        if (!flow.IsTranslated || flow.IsOfZone)
        {
            return;
        }

        Keep(KeyOf(flow.Original));
        if (IsMasqueraded(flow))
        {
            Keep(KeyOf(flow.Reply));
        }
    }

    public void Remove(in ConntrackFlow flow)
    {
        if (flow.IsOfZone)
        {
            return;
        }

        Count -= _rows.TryDelete(KeyOf(flow.Original)) ? 1 : 0;
        if (IsMasqueraded(flow))
        {
            Count -= _rows.TryDelete(KeyOf(flow.Reply)) ? 1 : 0;
        }
    }

    /// <summary>Whether answers come to another than who asked: to an address of the node, where a port may be a node port.</summary>
    private static bool IsMasqueraded(in ConntrackFlow flow) =>
        (flow.Reply.Destination, flow.Reply.DestinationPort) != (flow.Original.Source, flow.Original.SourcePort);

    private static FlowKey KeyOf(in ConntrackTuple tuple) => new(
        AddressKey.From(tuple.Source),
        AddressKey.From(tuple.Destination),
        BinaryPrimitives.ReverseEndianness(tuple.SourcePort),
        BinaryPrimitives.ReverseEndianness(tuple.DestinationPort),
        tuple.Protocol,
        FlowHook.Ingress,
        0);

    private void Keep(in FlowKey key)
    {
        var value = new TrackedValue((ulong)(time.GetTimestamp() * (NanosecondsASecond / time.TimestampFrequency)), _look, 0);
        try
        {
            if (_rows.TryAdd(key, value))
            {
                Count++;
            }
            else
            {
                _rows.Update(key, value);
            }
        }
        catch (BpfException e) when (e.Errno == Full)
        {
            LeftOut++;
        }
    }
}
