using EbpfProxy.Datapath;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Controller.Sync;

/// <summary>
/// Counts the service ports whose traffic this node drops, because a policy Local keeps it here and all endpoints are
/// elsewhere. At the cost of the services that change: only those that count are kept.
/// </summary>
internal sealed class ServicesWithoutLocal
{
    private readonly Dictionary<ObjectName, Drops> _drops = [];
    private Drops _total;

    public int Internal(IpFamily family) => family == IpFamily.IPv4 ? _total.Internal4 : _total.Internal6;

    public int External(IpFamily family) => family == IpFamily.IPv4 ? _total.External4 : _total.External6;

    /// <param name="changes">The services that changed.</param>
    /// <param name="isComplete">Whether these are all that there are.</param>
    public void Apply(IReadOnlyCollection<ServiceChange> changes, bool isComplete)
    {
        if (isComplete)
        {
            _drops.Clear();
            _total = default;
        }

        foreach (var (name, tables) in changes)
        {
            if (_drops.Remove(name, out var before))
            {
                _total -= before;
            }

            var now = tables is null ? default : Count(tables);
            if (now != default)
            {
                _drops.Add(name, now);
                _total += now;
            }
        }
    }

    private static Drops Count(ServiceTables tables)
    {
        var drops = default(Drops);
        foreach (var port in tables.Ports)
        {
            int @internal = port.Verdicts.Internal == Verdict.Drop ? 1 : 0;
            int external = port.Verdicts.External == Verdict.Drop ? 1 : 0;
            drops += port.Key.Family == IpFamily.IPv4 ? new Drops(@internal, external, 0, 0) : new Drops(0, 0, @internal, external);
        }

        return drops;
    }

    private readonly record struct Drops(int Internal4, int External4, int Internal6, int External6)
    {
        public static Drops operator +(Drops a, Drops b) =>
            new(a.Internal4 + b.Internal4, a.External4 + b.External4, a.Internal6 + b.Internal6, a.External6 + b.External6);

        public static Drops operator -(Drops a, Drops b) =>
            new(a.Internal4 - b.Internal4, a.External4 - b.External4, a.Internal6 - b.Internal6, a.External6 - b.External6);
    }
}
