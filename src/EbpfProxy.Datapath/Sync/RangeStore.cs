using System.Collections.Immutable;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// The table of source ranges. What a service shall have more is written before a frontend asks for it; what it shall
/// have no longer stays until no program can still be asking. So a source that may ask before and after a change may
/// ask all the while.
/// </summary>
internal sealed class RangeStore(IHashTable<SourceRangeKey, SourceRange> table)
{
    /// <summary>What the table holds, by service; a service without ranges is not in it.</summary>
    private readonly Dictionary<uint, HashSet<SourceRangeKey>> _held = [];

    /// <summary>Takes over what the table holds, and removes what leads to no service.</summary>
    public void Adopt(ServiceRegistry services)
    {
        foreach (var (key, _) in table.ReadAll().ToArray())
        {
            if (services.TryGet(key.Service, out _))
            {
                HeldBy(key.Service).Add(key);
            }
            else
            {
                table.Remove(key);
            }
        }

        foreach (var (service, keys) in _held)
        {
            services.TryGet(service, out var record);
            record!.SourceRanges = [.. keys];
        }
    }

    /// <summary>Writes the ranges that are new. Returns whether others are left for <see cref="Trim"/>.</summary>
    public bool Write(ServiceRecord record, ImmutableArray<Prefix> ranges)
    {
        if (ranges.IsEmpty && record.SourceRanges.Length == 0)
        {
            return false;
        }

        var held = HeldBy(record.Id);
        record.SourceRanges = [.. ranges.Select(range => SourceRangeKey.From(record.Id, range)).Distinct()];
        foreach (var key in record.SourceRanges)
        {
            if (!held.Contains(key))
            {
                table.Put(key, SourceRange.Allow);
                held.Add(key);
            }
        }

        return held.Count > record.SourceRanges.Length;
    }

    /// <summary>Removes what a service has in the table and shall not have; for after a grace period.</summary>
    public void Trim(ServiceRecord record)
    {
        if (!_held.TryGetValue(record.Id, out var held))
        {
            return;
        }

        foreach (var key in held.Except(record.SourceRanges).ToArray())
        {
            table.Remove(key);
            held.Remove(key);
        }

        if (held.Count == 0)
        {
            _held.Remove(record.Id);
        }
    }

    private HashSet<SourceRangeKey> HeldBy(uint service)
    {
        ref var held = ref CollectionsMarshal.GetValueRefOrAddDefault(_held, service, out _);
        return held ??= [];
    }
}
