using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Abi;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>The table of tallies, to which programs add at any time: what they add while it grows is added afterwards.</summary>
internal class TallyTable(string name, BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types)
    : ArrayTable<TallyValue>(name, map, slot, pins, types)
{
    private const int OpenedWord = 0;
    private const int ClosedWord = 1;
    private const int BytesSentWord = 2;
    private const int BytesReceivedWord = 3;

    private TallyValue[] _copied = [];

    /// <summary>Counts a connection that got its backend where no program saw it.</summary>
    public void Open(uint service)
    {
        if (service < Capacity)
        {
            Interlocked.Add(ref WordsOf(ref Memory[(int)service])[OpenedWord], 1u);
        }
    }

    /// <summary>Counts one that is over, where no program did.</summary>
    public void Close(uint service)
    {
        if (service < Capacity)
        {
            Interlocked.Add(ref WordsOf(ref Memory[(int)service])[ClosedWord], 1u);
        }
    }

    /// <summary>Counts what a connection carried whose record goes, and that it is over, where no program did.</summary>
    public void Close(in ConnectionValue connection)
    {
        if (connection.Service < Capacity)
        {
            var words = WordsOf(ref Memory[(int)connection.Service]);
            Interlocked.Add(ref words[ClosedWord], connection.IsOver == 0 ? 1u : 0);
            Interlocked.Add(ref words[BytesSentWord], connection.BytesAsk);
            Interlocked.Add(ref words[BytesReceivedWord], connection.BytesAnswer);
        }
    }

    protected override void CopyTo(BpfMap larger)
    {
        base.CopyTo(larger);
        _copied = Copy!.Span[..(int)Capacity].ToArray();
    }

    protected override void Switch()
    {
        // No program has the smaller table any more.
        for (int i = 0; i < _copied.Length; i++)
        {
            var to = WordsOf(ref Copy![i]);
            var from = WordsOf(ref Memory[i]);
            var copied = WordsOf(ref _copied[i]);
            for (int word = 0; word < to.Length; word++)
            {
                if (from[word] != copied[word])
                {
                    Interlocked.Add(ref to[word], from[word] - copied[word]);
                }
            }
        }

        _copied = [];
        base.Switch();
    }

    private static Span<ulong> WordsOf(ref TallyValue tally) => MemoryMarshal.Cast<TallyValue, ulong>(MemoryMarshal.CreateSpan(ref tally, 1));
}
