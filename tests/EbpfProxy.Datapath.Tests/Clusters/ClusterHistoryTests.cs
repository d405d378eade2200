using EbpfProxy.Datapath.Tests.Sync;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Tests.Clusters;

/// <summary>
/// Thousands of clusters by chance: whatever happened to one, in whatever order and with restarts in between, its tables
/// read as those of a fresh start, and every flow gets from them what the plain model says.
/// </summary>
public sealed class ClusterHistoryTests
{
    private const int HistoriesAtOnce = 250;

    private static readonly MasqueradeRules[] _rules =
    [
        .. from tellsIPv4 in new[] { true, false }
           from tellsIPv6 in new[] { true, false }
           from masqueradesAll in new[] { true, false }
           select new MasqueradeRules(tellsIPv4, tellsIPv6, masqueradesAll),
    ];

    public static TheoryData<int> FirstSeeds => [.. Enumerable.Range(0, 16).Select(i => i * HistoriesAtOnce)];

    [Theory]
    [MemberData(nameof(FirstSeeds))]
    public void Flows_get_what_the_plain_model_says_after_any_history(int firstSeed)
    {
        for (int seed = firstSeed; seed < firstSeed + HistoriesAtOnce; seed++)
        {
            var steps = new RandomHistory(seed).Make();
            if (FaultOf(steps, seed) is not null)
            {
                steps = Shorten(steps, seed);
                Assert.Fail($"seed {seed}: {FaultOf(steps, seed)}\nafter\n{string.Join('\n', steps.Select(Describe))}");
            }
        }
    }

    /// <summary>Null if all is well.</summary>
    private static string? FaultOf(List<Step> steps, int seed)
    {
        var harness = new WriterHarness();
        var state = RandomHistory.Empty;
        harness.Apply(isComplete: true);
        foreach (var step in steps)
        {
            state = Happen(step, state, harness);
        }

        harness.GracePeriods.Elapse();
        harness.Collect();

        var fresh = new WriterHarness();
        fresh.Apply(isComplete: true, TablesOf(state));
        if (!harness.Dump().SequenceEqual(fresh.Dump()) || !harness.DumpAddresses().SequenceEqual(fresh.DumpAddresses()))
        {
            string[] actual = [.. harness.Dump(), .. harness.DumpAddresses()];
            string[] expected = [.. fresh.Dump(), .. fresh.DumpAddresses()];
            return $"the tables have {Join(actual.Except(expected))} and not {Join(expected.Except(actual))}";
        }

        var rules = _rules[seed % _rules.Length];
        var reader = new TableReader(harness.Tables, state.Node.Addresses, rules);
        var model = new PlainModel(state, rules);
        foreach (var flow in RandomHistory.Flows())
        {
            string expected = model.Answer(flow);
            string actual = reader.Answer(flow);
            if (actual != expected)
            {
                return $"{flow} under {rules} gets \"{actual}\" and not \"{expected}\"";
            }
        }

        return null;
    }

    private static ClusterState Happen(Step step, ClusterState state, WriterHarness harness)
    {
        switch (step)
        {
            case SetService set:
                state = state with { Services = state.Services.SetItem(set.Service.Name, set.Service) };
                Write(set.Service.Name, state, harness);
                break;
            case RemoveService gone:
                state = state with { Services = state.Services.Remove(gone.Name) };
                harness.Remove(gone.Name.Name);
                break;
            case SetSlice set:
                state = state with { Slices = state.Slices.SetItem(set.Slice.Name, set.Slice) };
                Write(set.Slice.Service, state, harness);
                break;
            case RemoveSlice gone when state.Slices.TryGetValue(gone.Name, out var slice):
                state = state with { Slices = state.Slices.Remove(gone.Name) };
                Write(slice.Service, state, harness);
                break;
            case MoveToZone move:
                state = state with { Node = state.Node with { Zone = move.Zone } };
                harness.Apply(TablesOf(state));
                break;
            case RestartProxy:
                harness.Restart();
                harness.Apply(isComplete: true, TablesOf(state));
                break;
            case HoldGracePeriods hold:
                harness.GracePeriods.AreImmediate = !hold.IsHeld;
                break;
            case EndGracePeriods:
                harness.GracePeriods.Elapse();
                harness.Collect();
                break;
        }

        return state;
    }

    private static void Write(ObjectName service, ClusterState state, WriterHarness harness)
    {
        if (state.Services.TryGetValue(service, out var found))
        {
            harness.Apply(ServiceTablesBuilder.Build(found, state.SlicesOf(service), state.Node));
        }
    }

    private static ServiceTables[] TablesOf(ClusterState state) =>
        [.. state.Services.Values.Select(service => ServiceTablesBuilder.Build(service, state.SlicesOf(service.Name), state.Node))];

    /// <summary>Leaves out steps and endpoints as long as there still is a fault.</summary>
    private static List<Step> Shorten(List<Step> steps, int seed)
    {
        for (bool isShorter = true; isShorter;)
        {
            isShorter = false;
            foreach (var shorter in Shorter(steps))
            {
                if (FaultOf(shorter, seed) is not null)
                {
                    steps = shorter;
                    isShorter = true;
                    break;
                }
            }
        }

        return steps;
    }

    private static IEnumerable<List<Step>> Shorter(List<Step> steps)
    {
        for (int i = 0; i < steps.Count; i++)
        {
            yield return [.. steps[..i], .. steps[(i + 1)..]];
            if (steps[i] is SetSlice { Slice: var slice })
            {
                foreach (var endpoint in slice.Endpoints)
                {
                    yield return [.. steps[..i], new SetSlice(slice with { Endpoints = slice.Endpoints.Remove(endpoint) }), .. steps[(i + 1)..]];
                }
            }
        }
    }

    private static string Describe(Step step) => step switch
    {
        SetService { Service: var service } => $"{service.Name} {service.Type}, internal {service.InternalTrafficPolicy}, external {service.ExternalTrafficPolicy}, "
            + $"other proxy {service.HasOtherProxy}, cluster IPs {Join(service.ClusterIPs)}, ports {Join(service.Ports)}, external {Join(service.ExternalIPs)}, "
            + $"load balancers {Join(service.LoadBalancerIPs)}, ranges {Join(service.LoadBalancerSourceRanges)}",
        SetSlice { Slice: var slice } => $"{slice.Name} of {slice.Service}, ports {Join(slice.Ports)}, endpoints {Join(slice.Endpoints.Select(endpoint =>
            $"{endpoint} zones {Join(endpoint.Hints?.Zones ?? [])} nodes {Join(endpoint.Hints?.Nodes ?? [])}"))}",
        _ => step.ToString(),
    };

    private static string Join<T>(IEnumerable<T> items) => $"[{string.Join(' ', items)}]";
}
