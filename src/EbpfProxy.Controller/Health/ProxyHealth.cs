using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Health;

/// <summary>
/// Whether the tables keep up. A family is unhealthy while its oldest request to bring them up to date has waited for
/// <paramref name="timeout"/> or longer. A proxy that has nothing to do is healthy for ever. Thread-safe.
/// </summary>
public sealed class ProxyHealth(TimeProvider time, TimeSpan timeout)
{
    private static readonly IpFamily[] _families = [IpFamily.IPv4, IpFamily.IPv6];

    private readonly Lock _lock = new();
    private readonly Dictionary<IpFamily, DateTimeOffset> _updated = [];
    private readonly Dictionary<IpFamily, DateTimeOffset> _oldestQueued = [];

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

            bool isOk = isHealthy && isNodeEligible != false;
            return new HealthReport(now, isOk ? now : latest, isHealthy, isNodeEligible, families);
        }
    }
}
