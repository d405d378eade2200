using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// The table of frontends, and who wants which. Where several services want one, it leads to the one that comes first:
/// a cluster IP before a load-balancer address before an external IP, then by the service's name; when that one goes
/// or turns to another, it leads to the next at once.
/// </summary>
internal sealed class FrontendStore(IHashTable<FrontendKey, FrontendValue> table, ServiceRegistry services, AddressBook addresses)
{
    /// <summary>The frontends that more than one service wants, with all of these services.</summary>
    private readonly Dictionary<FrontendKey, List<ServiceRecord>> _contested = [];

    /// <summary>Those of them that one more service wants since they were last told.</summary>
    private readonly HashSet<FrontendKey> _untold = [];

    private readonly List<(uint Service, FrontendEntry Frontend)> _gone = [];

    /// <summary>Called before frontends go from the table: connections may still have them.</summary>
    public Action? Going { get; set; }

    /// <summary>Called when a frontend leads to another service than before, or came.</summary>
    public Action? Turning { get; set; }

    /// <summary>The services of UDP that got a frontend since this was last cleared.</summary>
    public HashSet<ServiceRecord> Turned { get; } = [];

    /// <summary>Hears once of each service that does without a frontend that it wants.</summary>
    public Action<ContestedFrontend>? Contested { get; set; }

    /// <summary>Takes over what the table holds, as far as it leads to a service.</summary>
    public void Adopt()
    {
        var frontends = new Dictionary<ServiceRecord, List<FrontendEntry>>();
        foreach (var (key, value) in table.ReadAll())
        {
            if (services.TryGet(value.Service, out var record))
            {
                ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(frontends, record, out _);
                (list ??= []).Add(new FrontendEntry(key, value));
            }
        }

        foreach (var (record, entries) in frontends)
        {
            record.Frontends = [.. entries];
            entries.ForEach(entry => Count(entry, addresses.Adopt));
        }
    }

    /// <summary>Writes what is new or changed of a service; what it no longer wants goes with <see cref="RemoveGone"/>.</summary>
    public void Write(ServiceRecord record, PortTables desired)
    {
        var before = record.Frontends;
        var next = new FrontendEntry[desired.Frontends.Length];
        for (int i = 0; i < next.Length; i++)
        {
            var frontend = desired.Frontends[i];
            next[i] = new FrontendEntry(
                FrontendKey.From(frontend.Address, frontend.Port, desired.Key.Protocol), FrontendValue.From(record.Id, frontend));
        }

        record.Frontends = next;
        foreach (var old in before)
        {
            if (!record.TryFind(old.Key, out _))
            {
                GiveUp(record, old);
            }
        }

        foreach (var entry in next)
        {
            int known = Array.FindIndex(before, old => old.Key == entry.Key);
            if (known < 0)
            {
                Put(record, entry, isNew: true);
                Count(entry, addresses.Add);
            }
            else if (before[known].Value != entry.Value)
            {
                Put(record, entry, isNew: false);
                if (RoleOf(before[known]) != RoleOf(entry))
                {
                    Count(entry, addresses.Add);
                    Count(before[known], addresses.Remove);
                }
            }
        }
    }

    /// <summary>Gives up all frontends of a service that goes.</summary>
    public void GiveUpAll(ServiceRecord record)
    {
        var before = record.Frontends;
        record.Frontends = [];
        Array.ForEach(before, old => GiveUp(record, old));
    }

    /// <summary>Removes what was given up and nobody else took.</summary>
    public void RemoveGone()
    {
        if (_gone.Count > 0)
        {
            Going?.Invoke();
        }

        _gone.ForEach(gone => Count(gone.Frontend, addresses.Remove));
        foreach (var (service, frontend) in _gone)
        {
            // Another service may have taken the frontend over in the same breath.
            if (table.TryRead(frontend.Key, out var holder) && holder.Service == service)
            {
                table.Remove(frontend.Key);
            }
        }

        _gone.Clear();
    }

    /// <summary>Tells what more than one service wants since the last time; to be called when all have what they want.</summary>
    public void TellContested()
    {
        foreach (var key in _untold)
        {
            // Within one change, a service may have wanted what another gave up only then.
            if (_contested.TryGetValue(key, out var claimants))
            {
                var first = FirstOf(key, claimants);
                claimants.FindAll(claimant => claimant != first).ForEach(other => Contested?.Invoke(
                    new ContestedFrontend(first.Key, other.Key, key.Address.ToAddress(), key.Port)));
            }
        }

        _untold.Clear();
    }

    /// <summary>Removes what leads to no service that wants it, at the cost of reading the whole table.</summary>
    public void RemoveStrays()
    {
        var strays = table.ReadAll().Where(row => FindHolder(row.Key, row.Value) is null).Select(row => row.Key).ToList();
        if (strays.Count > 0)
        {
            Going?.Invoke();
        }

        strays.ForEach(key => table.Remove(key));
    }

    private static AddressRole RoleOf(FrontendEntry frontend) => (FrontendKind)frontend.Value.Kind switch
    {
        FrontendKind.ClusterIP => AddressRole.ClusterIP,
        FrontendKind.ExternalIP or FrontendKind.LoadBalancer => AddressRole.External,
        FrontendKind.NodePort => AddressRole.None,
    };

    private static void Count(FrontendEntry frontend, Action<Address, AddressRole> count)
    {
        var role = RoleOf(frontend);
        if (role != AddressRole.None)
        {
            count(frontend.Key.Address.ToAddress(), role);
        }
    }

    private void Put(ServiceRecord record, FrontendEntry entry, bool isNew)
    {
        if (isNew)
        {
            Claim(record, entry.Key);
        }

        if (_contested.TryGetValue(entry.Key, out var claimants))
        {
            LeadToFirst(entry.Key, claimants);
        }
        else
        {
            Lead(entry.Key, record, entry.Value, isTurn: isNew);
        }
    }

    private void Claim(ServiceRecord record, FrontendKey key)
    {
        if (_contested.TryGetValue(key, out var claimants))
        {
            claimants.Add(record);
            _untold.Add(key);
        }
        else if (table.TryRead(key, out var value) && FindHolder(key, value) is { } holder && holder != record)
        {
            _contested.Add(key, [holder, record]);
            _untold.Add(key);
        }
    }

    private void GiveUp(ServiceRecord record, FrontendEntry old)
    {
        _gone.Add((record.Id, old));
        if (!_contested.TryGetValue(old.Key, out var claimants))
        {
            return;
        }

        claimants.Remove(record);
        LeadToFirst(old.Key, claimants);
        if (claimants.Count == 1)
        {
            _contested.Remove(old.Key);
        }
    }

    private static ServiceRecord FirstOf(FrontendKey key, List<ServiceRecord> claimants) =>
        claimants.MinBy(claimant => (claimant.Key, claimant.Find(key).Value), ClaimOrder.Instance)!;

    private void LeadToFirst(FrontendKey key, List<ServiceRecord> claimants)
    {
        var first = FirstOf(key, claimants);
        var value = first.Find(key).Value;
        bool isHeld = table.TryRead(key, out var held);
        if (!isHeld || held != value)
        {
            Lead(key, first, value, isTurn: !isHeld || held.Service != first.Id);
        }
    }

    private void Lead(FrontendKey key, ServiceRecord record, FrontendValue value, bool isTurn)
    {
        table.Put(key, value);
        if (isTurn && record.Key.Protocol == Protocol.Udp)
        {
            Turned.Add(record);
            Turning?.Invoke();
        }
    }

    /// <summary>The service that a row leads to and that wants it.</summary>
    private ServiceRecord? FindHolder(FrontendKey key, FrontendValue value) =>
        services.TryGet(value.Service, out var record) && record.TryFind(key, out _) ? record : null;

    private sealed class ClaimOrder : IComparer<(ServiceKey Key, FrontendValue Value)>
    {
        public static readonly ClaimOrder Instance = new();

        public int Compare((ServiceKey Key, FrontendValue Value) x, (ServiceKey Key, FrontendValue Value) y)
        {
            int order = RankOf(x.Value).CompareTo(RankOf(y.Value));
            order = order != 0 ? order : x.Key.Service.CompareTo(y.Key.Service);
            order = order != 0 ? order : string.CompareOrdinal(x.Key.PortName, y.Key.PortName);
            return order != 0 ? order : x.Key.Family.CompareTo(y.Key.Family);
        }

        /// <summary>Cluster IPs are given out by the API server, load-balancer addresses by a controller, external IPs by anyone.</summary>
        private static int RankOf(FrontendValue value) => (FrontendKind)value.Kind switch
        {
            FrontendKind.ClusterIP => 0,
            FrontendKind.LoadBalancer => 1,
            FrontendKind.ExternalIP => 2,
            FrontendKind.NodePort => 3,
        };
    }
}
