using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Network;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// The prefixes that only services have addresses of. A program that reads them sees those before, none, or the new ones,
/// and never one that is half written: that could be anybody's.
/// </summary>
internal sealed class ServicePrefixTable(BpfMap map, IGracePeriods gracePeriods, ILogger logger)
{
    private readonly BpfArrayMap<ServicePrefixValue> _rows = new(map);
    private HashSet<Prefix> _held = [];

    public void Write(IReadOnlyCollection<Prefix> prefixes)
    {
        if (_held.SetEquals(prefixes))
        {
            return;
        }

        // In an order of its own, so that what is left out does not depend on who came first.
        Prefix[] ordered = [.. prefixes.Distinct().OrderBy(prefix => prefix.MappedLength).ThenBy(prefix => prefix.Address)];
        if (ordered.Length > _rows.Length)
        {
            Log.ServicePrefixesLeftOut(logger, ordered.Length - _rows.Length);
            ordered = ordered[.._rows.Length];
        }

        // The first row ends them while the others are written; its last word is what brings them all back.
        _rows[0] = _rows[0] with { IsUsed = 0 };
        gracePeriods.Wait(gracePeriods.Request());
        for (int i = 0; i < _rows.Length; i++)
        {
            var row = i < ordered.Length ? ServicePrefixValue.From(ordered[i]) : default;
            _rows[i] = i == 0 ? row with { IsUsed = 0 } : row;
        }

        if (ordered.Length > 0)
        {
            _rows[0] = ServicePrefixValue.From(ordered[0]);
        }

        _held = [.. prefixes];
    }
}
