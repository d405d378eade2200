using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests.Sync;

public sealed class ServiceWriterTests
{
    private readonly WriterHarness _harness = new();

    [Fact]
    public void New_service_is_whole_before_it_can_be_found()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2"));

        Assert.Equal(
            [
                "name[0]", "name[0]+192",
                "backend[0]", "backend[0]+24", "backend[1]", "backend[1]+24",
                "set[0]", "set[1]",
                "service[0]+0", "service[0]+8", "service[0]+16",
                "+address", "+address",
                "+frontend", "+address",
            ],
            _harness.Journal.Lines);
        Assert.Equal(["10.96.0.1:80 10.0.0.1:8080 10.0.0.2:8080"], _harness.Dump());
        Assert.Equal(["10.0.0.1 Backend", "10.0.0.2 Backend", "10.96.0.1 ClusterIP"], _harness.DumpAddresses());
    }

    [Fact]
    public void Changed_endpoint_costs_that_service_only()
    {
        for (int i = 1; i < 50; i++)
        {
            _harness.Apply(Service($"other-{i}", $"10.96.1.{i}", $"10.1.0.{i}"));
        }

        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2"));

        var result = _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.3"));

        // One backend and its address in, one out (its address goes later), a set of two, three words.
        Assert.Equal(2 + 1 + 1 + 2 + 3, result.Writes);
        Assert.Contains("10.96.0.1:80 10.0.0.1:8080 10.0.0.3:8080", _harness.Dump());
    }

    [Fact]
    public void Service_without_endpoints_is_refused_and_comes_back()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));
        _harness.Apply(Service("web", "10.96.0.1"));
        Assert.Equal(["10.96.0.1:80 Refuse"], _harness.Dump());

        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.2"));

        Assert.Equal(["10.96.0.1:80 10.0.0.2:8080"], _harness.Dump());
    }

    [Fact]
    public void Removed_service_leaves_nothing_behind()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));

        _harness.Remove("web");
        _harness.Collect();

        Assert.Empty(_harness.Dump());
        Assert.Empty(_harness.DumpAddresses());
        Assert.Equal(default, _harness.Tables.Services.Read(0));
        Assert.Equal(BackendUse.None, _harness.Tables.Backends.Read(0).State.Use);
    }

    [Fact]
    public void What_a_program_may_still_read_is_not_used_again_before_a_grace_period()
    {
        _harness.GracePeriods.AreImmediate = false;
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.2"));
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.3"));

        var before = _harness.Tables.Backends.Read(0).Address;
        Assert.Equal("10.0.0.1", before.ToAddress().ToString());
        Assert.Equal([0u, 1u, 2u], Enumerable.Range(0, 3).Select(i => _harness.Tables.Sets.Read((uint)i)));

        _harness.GracePeriods.Elapse();
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.4"));

        Assert.Equal("10.0.0.4", _harness.Tables.Backends.Read(1).Address.ToAddress().ToString());
    }

    [Fact]
    public void What_a_writer_that_failed_unlinked_is_not_used_again_before_a_grace_period()
    {
        _harness.GracePeriods.AreImmediate = false;
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.2"));
        long afterUnlink = _harness.GracePeriods.Request();
        _harness.Journal.AfterWrite = () =>
            Assert.True(_harness.GracePeriods.IsOver(afterUnlink) || _harness.Tables.Backends.Read(0).Address == AddressKey.From(Address.FromIPv4(0x0a000001)));

        _harness.Restart();
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.3"));

        Assert.Equal("10.0.0.3", _harness.Tables.Backends.Read(0).Address.ToAddress().ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Id_of_a_service_waits_for_the_connections_that_count_to_it(bool isRestarted)
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));
        _harness.Tables.Tallies.Write(0, new TallyValue { Opened = 5, Closed = 4, BytesSent = 7 });
        _harness.Remove("web");
        if (isRestarted)
        {
            _harness.Restart();
        }

        _harness.Apply(Service("next", "10.96.0.2", "10.0.0.2"));
        Assert.Equal("next", _harness.Tables.Names.Read(1).ToKey().Service.Name);

        _harness.Tables.Tallies.Write(0, new TallyValue { Opened = 5, Closed = 5, BytesSent = 7 });
        _harness.Collect();
        _harness.Apply(Service("last", "10.96.0.3", "10.0.0.3"));
        Assert.Equal("last", _harness.Tables.Names.Read(0).ToKey().Service.Name);
        Assert.Equal(default, _harness.Tables.Tallies.Read(0));
    }

    [Fact]
    public void Id_that_is_used_again_has_another_generation()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));
        uint first = _harness.Tables.Backends.Read(0).State.Generation;
        _harness.Apply(Service("web", "10.96.0.1"));
        _harness.Collect();

        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.2"));

        Assert.Equal("10.0.0.2", _harness.Tables.Backends.Read(0).Address.ToAddress().ToString());
        Assert.NotEqual(first, _harness.Tables.Backends.Read(0).State.Generation);
    }

    [Fact]
    public void Frontend_that_moves_to_another_service_is_there_at_every_moment()
    {
        _harness.Apply(Service("old", "10.96.0.1", "10.0.0.1"));
        _harness.Journal.AfterWrite = () => Assert.Single(_harness.Dump());

        _harness.Apply(isComplete: true, Service("new", "10.96.0.1", "10.0.0.2"));

        Assert.Equal(["10.96.0.1:80 10.0.0.2:8080"], _harness.Dump());
    }

    [Fact]
    public void Restart_with_nothing_changed_writes_nothing()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2"), Service("db", "10.96.0.2", "10.0.0.3"), Service("none", "10.96.0.3"));
        _harness.Restart();

        var result = _harness.Apply(
            isComplete: true,
            Service("none", "10.96.0.3"), Service("db", "10.96.0.2", "10.0.0.3"), Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2"));

        Assert.Equal(0, result.Writes);
    }

    [Fact]
    public void Frontend_that_leads_to_no_service_goes_when_everything_is_known()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));
        var stray = FrontendKey.From(Address.FromIPv4(0x0a600009), 80, Protocol.Tcp);
        _harness.Tables.Frontends.Put(stray, new FrontendValue(77, 1, 0, 0));
        _harness.Restart();

        _harness.Apply(isComplete: true, Service("web", "10.96.0.1", "10.0.0.1"));

        Assert.False(_harness.Tables.Frontends.TryRead(stray, out _));
        Assert.Single(_harness.Dump());
    }

    [Fact]
    public void Nothing_is_removed_after_a_restart_before_everything_is_known()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"), Service("db", "10.96.0.2", "10.0.0.3"));
        _harness.Restart();

        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));
        Assert.Equal(2, _harness.Dump().Length);

        _harness.Apply(isComplete: true, Service("web", "10.96.0.1", "10.0.0.1"));
        Assert.Equal(["10.96.0.1:80 10.0.0.1:8080"], _harness.Dump());
    }

    [Fact]
    public void Address_of_a_frontend_that_a_failed_write_left_out_is_written_when_the_tables_are_taken_up_anew()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));
        _harness.Tables.Addresses.Remove(AddressKey.From(Address.FromIPv4(0x0a600001)));
        _harness.Restart();

        // Part of the cluster may be unknown for a while (a folder with a broken file), so this is no complete one.
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"));

        Assert.Contains("10.96.0.1 ClusterIP", _harness.DumpAddresses());
    }

    [Fact]
    public void Address_that_several_services_use_stays_until_the_last_is_gone()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1"), Service("db", "10.96.0.2", "10.0.0.1"));

        _harness.Remove("web");
        Assert.Contains("10.0.0.1 Backend", _harness.DumpAddresses());

        _harness.Remove("db");
        _harness.Collect();
        Assert.Empty(_harness.DumpAddresses());
    }

    [Fact]
    public void Places_of_sets_are_told_apart_without_an_allocation()
    {
        var words = new ServiceWords(new ServiceValue(
            new TrafficWord(5, 2, Verdict.Cluster), new TrafficWord(9, 1, Verdict.Local), new TrafficWord(5, 2, Verdict.Cluster), 0, 0));
        var warm = words.Extents();
        long before = GC.GetAllocatedBytesForCurrentThread();

        var extents = words.Extents();
        bool isThere = extents.Contains(new Extent(9, 1)) && !extents.Contains(new Extent(9, 2));

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(isThere);
        Assert.Equal((2, new Extent(5, 2)), (extents.Count, warm[0]));
    }

    [Fact]
    public void Backend_that_drains_keeps_serving_and_leaves_the_set()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2"));
        var draining = Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2");
        draining = draining with { Ports = [draining.Ports[0] with { Backends = [draining.Ports[0].Backends[0] with { Use = BackendUse.Serving }, draining.Ports[0].Backends[1]] }] };

        _harness.Apply(draining);

        Assert.Equal(["10.96.0.1:80 10.0.0.2:8080"], _harness.Dump());
        Assert.Equal(BackendUse.Serving, _harness.Tables.Backends.Read(0).State.Use);
    }

    [Fact]
    public void Backend_keeps_a_use_until_no_set_of_that_use_has_it()
    {
        _harness.Apply(Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2"));
        var draining = Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2");
        draining = draining with { Ports = [draining.Ports[0] with { Backends = [draining.Ports[0].Backends[0] with { Use = BackendUse.Serving }, draining.Ports[0].Backends[1]] }] };
        _harness.Journal.AfterWrite = () =>
        {
            var word = _harness.Tables.Services.Read(0).Internal;
            var uses = Enumerable.Range(0, word.Count).Select(i => _harness.Tables.Backends.Read(_harness.Tables.Sets.Read(word.Set + (uint)i)).State.Use);
            Assert.All(uses, use => Assert.True(use.HasFlag(BackendUse.InClusterSet), $"{use}"));
        };

        _harness.Apply(draining);

        Assert.Equal(["10.96.0.1:80 10.0.0.2:8080"], _harness.Dump());
    }

    [Fact]
    public void External_address_is_served_until_it_is_gone()
    {
        _harness.Apply(WithExternalIP(Service("web", "10.96.0.1", "10.0.0.1"), "192.0.2.1"));
        var closed = Service("web", "10.96.0.1", "10.0.0.2");
        closed = closed with { Ports = [closed.Ports[0] with { Verdicts = new TrafficVerdicts(Verdict.Cluster, Verdict.Refuse, Verdict.Refuse) }] };
        _harness.Journal.AfterWrite = () =>
        {
            var word = _harness.Tables.Services.Read(0).External;
            bool isThere = _harness.Dump().Any(line => line.StartsWith("192.0.2.1:", StringComparison.Ordinal));
            Assert.True(!isThere || word is { Verdict: Verdict.Cluster, Count: 1 }, $"{word}");
            _harness.AssertConsistent();
        };

        _harness.Apply(closed);

        Assert.Equal(["10.96.0.1:80 10.0.0.2:8080"], _harness.Dump());
        Assert.Equal(closed.Ports[0].Verdicts, _harness.Tables.Services.Read(0).Verdicts);
    }

    [Fact]
    public void What_fits_is_written_though_there_is_no_memory_for_more()
    {
        _harness.MostFrontends = 2;

        _harness.Apply(isComplete: true, Service("a", "10.96.0.1", "10.0.0.1"), Service("b", "10.96.0.2", "10.0.0.2"));

        Assert.Equal(["10.96.0.1:80 10.0.0.1:8080", "10.96.0.2:80 10.0.0.2:8080"], _harness.Dump());
        Assert.Throws<IOException>(() => _harness.Apply(Service("c", "10.96.0.3", "10.0.0.3")));
    }

    [Fact]
    public void Every_row_of_the_verdict_table_can_be_written_and_read_back()
    {
        var verdicts = Enum.GetValues<Verdict>();
        var rows = (from a in verdicts from b in verdicts from c in verdicts select new TrafficVerdicts(a, b, c)).ToArray();
        foreach (var row in rows)
        {
            var tables = ServiceWith("web", "10.96.0.1", Verdict.Cluster, BackendUse.InClusterSet | BackendUse.InLocalSet, "10.0.0.1", "10.0.0.2");
            _harness.Apply(tables with { Ports = [tables.Ports[0] with { Verdicts = row }] });

            var written = _harness.Tables.Services.Read(0);
            Assert.Equal(row, new TrafficVerdicts(written.Internal.Verdict, written.External.Verdict, written.ExternalNear.Verdict));
            Assert.All([written.Internal, written.External, written.ExternalNear], word => AssertHasSetOf(word));
        }

        static void AssertHasSetOf(TrafficWord word) =>
            Assert.Equal(word.Verdict is Verdict.Cluster or Verdict.Local ? 2 : 0, word.Count);
    }
}
