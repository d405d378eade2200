using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Endpoints;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tests.Endpoints;

public class EndpointSelectorTests
{
    private const string Unused = "unused";

    /// <summary>Policies: i internal Local, e external Local, x externally accessible. A set that is not used is not an empty one.</summary>
    public sealed record Row(
        string Name, string Endpoints, string Policies, string Cluster, string Local, bool HasAny = true, string Node = "node-1", string Zone = "a")
    {
        public override string ToString() => Name;
    }

    public static TheoryData<Row> Cases =>
    [
        new Row("zone hints filter", "3:Rr@a 4:Rr@b 5:Rr@c 6:Rr@a", "", "3 6", Unused),
        new Row("hints do not filter the external local set", "3:RL@a 4:RL@b 5:Rr@c 6:Rr@a", "ex", "3 6", "3 4"),
        new Row("hints do not filter the internal local set", "3:RL@a 4:RL@b 5:Rr@c 6:Rr@a", "ix", "3 6", "3 4"),
        new Row("a node without zone matches no hint", "3:Rr@a", "", "3", Unused, Zone: ""),
        new Row("an empty hint does not match a node without zone", "3:Rr@, 4:Rr@b", "", "3 4", Unused, Zone: ""),
        new Row("no endpoint for the zone", "3:Rr@a", "", "3", Unused, Zone: "b"),
        new Row("an unready endpoint of the zone", "3:Rr@a 4:Rr@b 5:Rr@c 6:Ur@a", "", "3", Unused),
        new Row("only unready endpoints of the zone", "3:Ur@a 4:Rr@b 5:Rr@c 6:Ur@a", "", "4 5", Unused),
        new Row("one ready endpoint without hint", "3:Rr@a 4:Rr@b 5:Rr 6:Rr@a", "", "3 4 5 6", Unused),
        new Row("an unready endpoint without hint", "3:Rr@a 4:Rr@b 5:Ur", "", "3", Unused),
        new Row("hints with several zones", "1:Rr@a,b,c 2:Rr@b,c 3:Rr@b,d 4:Rr@c", "", "1 2 4", Unused, Zone: "c"),
        new Row("node hints before zone hints", "1:Rr@a#node-1 2:Rr@a#node-2 3:Rr@a#node-3", "", "1", Unused),
        new Row("one endpoint without any hint", "1:Rr@a#node-1 2:Rr@a#node-2 3:Rr", "", "1 2 3", Unused),
        new Row("one endpoint without node hint", "1:Rr@a#node-1 2:Rr@a#node-2 3:Rr@b", "", "1 2", Unused),
        new Row("no node hint for this node falls back to the zone", "1:Rr@a#node-1 2:Rr@b#node-2", "", "1", Unused, Node: "node-0"),
        new Row("external local beside zone hints", "1:RL@a 2:RL@b 3:Rr@a 4:Rr@b", "ex", "1 3", "1 2"),
        new Row("internal local, no endpoints", "", "i", Unused, "", HasAny: false),
        new Row("internal local, all elsewhere", "1:Rr 2:Rr", "i", Unused, ""),
        new Row("internal local, all here", "1:RL 2:RL", "i", Unused, "1 2"),
        new Row("internal local, one here", "1:RL 2:Rr", "i", Unused, "1"),
        new Row("cluster, no endpoints", "", "", "", Unused, HasAny: false),
        new Row("cluster, none ready", "1:Ur 2:UL", "", "", Unused, HasAny: false),
        new Row("cluster, some ready", "1:RL 2:Ur", "", "1", Unused),
        new Row("cluster, all terminating", "1:TL 2:Tr", "", "1 2", Unused),
        new Row("terminating are used without regard to hints", "1:TL@b 2:Tr@a", "", "1 2", Unused),
        new Row("no terminating one while one is ready anywhere", "1:TL 2:Rr", "", "2", Unused),
        new Row("internal local with node port", "1:RL 2:Rr", "ix", "1 2", "1"),
        new Row("external local with node port", "1:RL 2:Rr", "ex", "1 2", "1"),
        new Row("both local", "1:RL 2:Rr", "iex", "1 2", "1"),
        new Row("both local, all elsewhere", "1:Rr 2:Rr", "iex", "1 2", ""),
        new Row("both local, all elsewhere and terminating", "1:Tr 2:Tr", "iex", "1 2", ""),
        new Row("each set falls back by itself", "1:Rr 2:UL 3:TL 4:Tr", "ex", "1", "3"),
        new Row("external local without external access", "1:RL 2:Rr", "e", "1 2", Unused),
        new Row("both local without external access", "1:RL 2:Rr", "ie", Unused, "1"),
        new Row("nothing at all", "1:Ur", "", "", Unused, HasAny: false),
        new Row("serving but not ready is never used", "1:NL 2:Nr", "ix", "", "", HasAny: false),
        new Row("terminating but not serving is never used", "1:XL 2:Xr", "ix", "", "", HasAny: false),
        new Row("terminating elsewhere counts as any", "1:Tr", "i", Unused, ""),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Endpoints_are_chosen_by_policy_hints_and_state(Row row)
    {
        using var merge = EndpointMerge.Of([Samples.Slice(row.Endpoints)], IpFamily.IPv4, "http", Protocol.Tcp);
        var policies = new TrafficPolicies(row.Policies.Contains('i'), row.Policies.Contains('e'), row.Policies.Contains('x'));
        var sets = new EndpointSets[merge.Endpoints.Length];

        var selection = EndpointSelector.Select(merge.Endpoints, policies, new NodeContext(row.Node, row.Zone), sets);

        Assert.Equal(row.Cluster, Show(selection.ClusterCount, merge.Endpoints, sets, EndpointSets.Cluster));
        Assert.Equal(row.Local, Show(selection.LocalCount, merge.Endpoints, sets, EndpointSets.Local));
        Assert.Equal(row.HasAny, selection.HasAny);
    }

    private static string Show(int? count, ReadOnlySpan<ServiceEndpoint> endpoints, EndpointSets[] sets, EndpointSets set)
    {
        var ids = new List<int>();
        for (int i = 0; i < endpoints.Length; i++)
        {
            if ((sets[i] & set) != 0)
            {
                ids.Add((byte)endpoints[i].Address.Bits);
            }
        }

        Assert.Equal(count ?? 0, ids.Count);
        return count is null ? Unused : string.Join(' ', ids);
    }
}
