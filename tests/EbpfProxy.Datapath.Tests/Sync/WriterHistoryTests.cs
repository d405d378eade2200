using EbpfProxy.Model.Tables;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests.Sync;

/// <summary>Random histories: at every write a program that reads finds whole services, and in the end only the last state counts.</summary>
public sealed class WriterHistoryTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 200)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Tables_after_any_history_read_as_those_of_a_fresh_start(int seed)
    {
        var random = new Random(seed);
        var harness = new WriterHarness();
        harness.Journal.AfterWrite = harness.AssertConsistent;
        var state = new Dictionary<int, ServiceTables>();
        for (int step = 0; step < 40; step++)
        {
            Step(random, harness, state);
        }

        harness.Apply(isComplete: true, [.. state.Values]);

        var fresh = new WriterHarness();
        fresh.Apply(isComplete: true, [.. state.Values]);
        Assert.Equal(fresh.Dump(), harness.Dump());
        Assert.Equal(fresh.DumpAddresses(), harness.DumpAddresses());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Killed_at_any_write_the_next_start_makes_everything_right(int seed)
    {
        var random = new Random(seed);
        var state = new Dictionary<int, ServiceTables>();
        var harness = new WriterHarness();
        for (int step = 0; step < 10; step++)
        {
            Step(random, harness, state);
        }

        harness.Journal.AfterWrite = harness.AssertConsistent;
        harness.Journal.WritesLeft = random.Next(40);
        try
        {
            for (int step = 0; step < 10; step++)
            {
                Step(random, harness, state);
            }
        }
        catch (IOException)
        {
            // Killed.
        }

        harness.Journal.WritesLeft = int.MaxValue;
        harness.Restart();
        harness.Apply(isComplete: true, [.. state.Values]);

        var fresh = new WriterHarness();
        fresh.Apply(isComplete: true, [.. state.Values]);
        Assert.Equal(fresh.Dump(), harness.Dump());
        Assert.Equal(fresh.DumpAddresses(), harness.DumpAddresses());
    }

    private static void Step(Random random, WriterHarness harness, Dictionary<int, ServiceTables> state)
    {
        int service = random.Next(6);
        switch (random.Next(8))
        {
            case 0:
                state.Remove(service);
                harness.Remove($"svc-{service}");
                break;
            case 1:
                harness.Restart();
                harness.Apply(isComplete: true, [.. state.Values]);
                break;
            case 2:
                harness.GracePeriods.AreImmediate = !harness.GracePeriods.AreImmediate;
                break;
            case 3:
                harness.GracePeriods.Elapse();
                harness.Collect();
                break;
            default:
                state[service] = RandomService(random, service);
                harness.Apply(state[service]);
                break;
        }
    }

    private static ServiceTables RandomService(Random random, int service)
    {
        // Addresses overlap between services, and are used as backends too.
        string[] backends = [.. Enumerable.Range(0, 12).Where(_ => random.Next(3) == 0).Select(i => $"10.0.0.{i}")];
        var use = BackendUse.Serving | (random.Next(2) == 0 ? BackendUse.InClusterSet : BackendUse.InClusterSet | BackendUse.InLocalSet);
        var verdict = use.HasFlag(BackendUse.InLocalSet) ? Verdict.Local : Verdict.Cluster;
        var tables = ServiceWith($"svc-{service}", $"10.96.0.{service}", verdict, use, backends);
        return random.Next(2) == 0 ? tables : WithExternalIP(tables, $"203.0.113.{random.Next(2)}");
    }
}
