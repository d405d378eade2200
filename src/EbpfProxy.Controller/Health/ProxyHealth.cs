using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Health;

/// <summary>
/// Whether the tables keep up. A family is unhealthy while its oldest request to bring them up to date has waited for
/// <paramref name="timeout"/> or longer. A proxy that has nothing to do is healthy for ever, unless a part of it hangs that
/// nobody requests anything of: one that follows the node itself. Thread-safe.
/// </summary>
public sealed class ProxyHealth(TimeProvider time, TimeSpan timeout)
{
    /// <summary>A part is given that much at least: what it does of its own takes no shorter where syncs are to be quick.</summary>
    private static readonly TimeSpan _shortestPatience = TimeSpan.FromMinutes(1);

    private static readonly IpFamily[] _families = [IpFamily.IPv4, IpFamily.IPv6];

    private readonly Lock _lock = new();
    private readonly Dictionary<IpFamily, DateTimeOffset> _updated = [];
    private readonly Dictionary<IpFamily, DateTimeOffset> _oldestQueued = [];
    private readonly SortedDictionary<string, long> _expected = new(StringComparer.Ordinal);

    /// <summary>Since when the oldest request waits to bring the tables up to date; null where none does.</summary>
    public DateTimeOffset? WaitingSince
    {
        get
        {
            lock (_lock)
            {
                return _oldestQueued.Count == 0 ? null : _oldestQueued.Values.Min();
            }
        }
    }

    /// <summary>Notes that the family's tables have to change. While an earlier request waits, a later one counts for nothing.</summary>
    public void QueuedUpdate(IpFamily family)
    {
        lock (_lock)
        {
            _oldestQueued.TryAdd(family, time.GetUtcNow());
        }
    }

    /// <summary>Notes that the family's tables are up to date.</summary>
    public void Updated(IpFamily family)
    {
        lock (_lock)
        {
            _oldestQueued.Remove(family);
            _updated[family] = time.GetUtcNow();
        }
    }

    /// <summary>Notes that a part begins what has to come to an end, or comes round again before long; the last time counts.</summary>
    public void Expect(string part)
    {
        lock (_lock)
        {
            _expected[part] = time.GetTimestamp();
        }
    }

    /// <summary>Notes that nothing is expected of a part until it begins again.</summary>
    public void Arrived(string part)
    {
        lock (_lock)
        {
            _expected.Remove(part);
        }
    }

    /// <summary>What /livez answers.</summary>
    public HealthReport Live() => Report(isNodeEligible: null);

    /// <summary>What /healthz answers: load balancers ask it whether this node shall get traffic.</summary>
    /// <param name="node">This node; null where its object is not known.</param>
    public HealthReport Healthy(ClusterNode? node) => Report(node is { IsDeleted: false, IsLeaving: false });

    private HealthReport Report(bool? isNodeEligible)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            bool isHealthy = true;
            var latest = DateTimeOffset.MinValue;
            var families = new List<KeyValuePair<IpFamily, FamilyHealth>>(_families.Length);
            foreach (var family in _families)
            {
                bool isWaiting = _oldestQueued.TryGetValue(family, out var queued);
                bool isLate = isWaiting && now - queued >= timeout;
                isHealthy &= !isLate;
                if (_updated.TryGetValue(family, out var updated))
                {
                    latest = updated > latest ? updated : latest;
                    families.Add(KeyValuePair.Create(family, new FamilyHealth(updated, !isLate)));
                }
            }

            var patience = timeout > _shortestPatience ? timeout : _shortestPatience;
            string[] hanging = [.. _expected.Where(part => time.GetElapsedTime(part.Value) >= patience).Select(part => part.Key)];
            isHealthy &= hanging.Length == 0;
            bool isOk = isHealthy && isNodeEligible != false;
            return new HealthReport(now, isOk ? now : latest, isHealthy, isNodeEligible, families, hanging);
        }
    }
}
