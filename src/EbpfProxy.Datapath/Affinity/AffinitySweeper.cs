using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Affinity;

/// <summary>
/// Keeps the table of session affinity in size: removes the rows that no client would be given its backend by, and makes
/// it larger before it is full. The programs judge rows themselves; this only frees. Not thread-safe.
/// </summary>
/// <param name="rows">The table.</param>
/// <param name="tables">The services and backends that rows name.</param>
/// <param name="changes">Held by whoever reads or writes those; held here for a part of the rows at a time.</param>
/// <param name="counters">What the programs count by.</param>
/// <param name="time">The clock.</param>
internal sealed class AffinitySweeper(AffinityTable rows, TableSet tables, Lock changes, BpfMap counters, TimeProvider time)
{
    private const int PartLength = 4096;
    private const ulong NanosecondsASecond = 1_000_000_000;
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(30);

    private readonly RowCount _count = new(counters, Reason.AffinityAdded);
    private long _swept;
    private bool _isDue = true;

    /// <summary>Says that the programs may have counted elsewhere until now.</summary>
    public void Recount() => _isDue = true;

    /// <summary>To be called every second.</summary>
    public void Step()
    {
        if (_isDue || time.GetElapsedTime(_swept) >= _interval || (IsHalfFull && rows.CanGrow))
        {
            Sweep();
        }

        if (IsHalfFull)
        {
            rows.Grow(_count.Value);
        }

        rows.Move();
    }

    private bool IsHalfFull => _count.Value > rows.Capacity / 2;

    private void Sweep()
    {
        long kept = 0;
        foreach (var part in rows.ReadAll().Chunk(PartLength))
        {
            kept += part.Length - Sweep(part);
        }

        if (kept > 0)
        {
            ReleaseMemory();
        }

        _count.Set(kept);
        _swept = time.GetTimestamp();
        _isDue = false;
    }

    private void ReleaseMemory()
    {
        lock (changes)
        {
            tables.Unmap();
        }
    }

    private int Sweep(KeyValuePair<AffinityKey, AffinityValue>[] part)
    {
        int removed = 0;
        lock (changes)
        {
            ulong now = (ulong)(time.GetTimestamp() * (NanosecondsASecond / (double)time.TimestampFrequency));
            foreach (var (key, value) in part)
            {
                // A client that came back since is looked for once more. One that comes back in the moment between this
                // look and the removal is forgotten: its next connection chooses anew.
                if (!IsOfUse(key, value, now) && rows.TryRead(key, out var current) && !IsOfUse(key, current, now) && rows.Remove(key))
                {
                    removed++;
                }
            }
        }

        return removed;
    }

    private bool IsOfUse(in AffinityKey key, in AffinityValue value, ulong now)
    {
        var service = tables.Services.Read(key.Service);
        var backend = tables.Backends.Read(value.BackendId).State;
        return (service.Flags & ServiceValue.AffinityFlag) != 0
            && now <= value.LastConnectionNs + (service.AffinitySeconds * NanosecondsASecond)
            && backend.Generation == value.BackendGeneration
            && backend.Use != BackendUse.None;
    }
}
