using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests.Sync;

/// <summary>Source ranges: what a client may, before, while and after they change.</summary>
public sealed class RangeStoreTests
{
    private const string Balancer = "203.0.113.1";
    private const string Client = "198.51.100.7";

    private readonly WriterHarness _harness = new();

    [Fact]
    public void Ranges_limit_who_may_ask()
    {
        _harness.Apply(Limited("198.51.100.0/24", "192.0.2.1/32"));

        Assert.True(MayAsk(Client));
        Assert.True(MayAsk("192.0.2.1"));
        Assert.False(MayAsk("192.0.2.2"));
    }

    [Theory]
    [InlineData("198.51.100.0/24", "198.51.0.0/16")]
    [InlineData("198.51.0.0/16 192.0.2.0/24", "198.51.100.0/24")]
    [InlineData("", "198.51.100.0/24")]
    [InlineData("198.51.100.0/24", "")]
    public void Source_that_may_ask_before_and_after_may_ask_all_the_while(string before, string after)
    {
        _harness.Apply(Limited(before.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        int moments = 0;
        _harness.Journal.AfterWrite = () =>
        {
            moments++;
            Assert.True(MayAsk(Client), $"after {_harness.Journal.Lines[^1]}");
        };

        _harness.Apply(Limited(after.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        _harness.Collect();

        Assert.NotEqual(0, moments);
        Assert.Equal(after.Split(' ', StringSplitOptions.RemoveEmptyEntries), Ranges());
    }

    [Fact]
    public void Ranges_stay_for_programs_that_have_read_the_frontend_already()
    {
        _harness.GracePeriods.AreImmediate = false;
        _harness.Apply(Limited("198.51.100.0/24"));

        _harness.Apply(Limited());
        _harness.Collect();
        Assert.Equal(["198.51.100.0/24"], Ranges());

        _harness.GracePeriods.Elapse();
        _harness.Collect();
        Assert.Empty(Ranges());
    }

    [Fact]
    public void Ranges_that_come_back_before_they_are_gone_stay()
    {
        _harness.GracePeriods.AreImmediate = false;
        _harness.Apply(Limited("198.51.100.0/24"));
        _harness.Apply(Limited());
        _harness.Apply(Limited("198.51.100.0/24"));

        _harness.GracePeriods.Elapse();
        _harness.Collect();

        Assert.Equal(["198.51.100.0/24"], Ranges());
    }

    [Fact]
    public void Removed_service_leaves_no_range_to_the_next_one_with_its_id()
    {
        _harness.Apply(Limited("198.51.100.0/24"));
        _harness.Remove("web");
        _harness.Collect();
        Assert.Empty(Ranges());

        _harness.Apply(Limited("192.0.2.0/24"));

        Assert.Equal(0u, Assert.Single(_harness.Tables.Ranges.ReadAll()).Key.Service);
        Assert.False(MayAsk(Client));
    }

    [Fact]
    public void Restart_writes_no_range_again_and_removes_what_is_nobodys()
    {
        _harness.Apply(Limited("198.51.100.0/24", "192.0.2.0/24"));
        _harness.Restart();
        Assert.Equal(0, _harness.Apply(isComplete: true, Limited("198.51.100.0/24", "192.0.2.0/24")).Writes);
        _harness.Tables.Ranges.Put(SourceRangeKey.From(99, Parse("10.0.0.0/8")), SourceRange.Allow);
        _harness.Tables.Ranges.Put(SourceRangeKey.From(0, Parse("10.0.0.0/8")), SourceRange.Allow);
        _harness.Restart();

        _harness.Apply(isComplete: true, Limited("198.51.100.0/24"));
        _harness.Collect();

        Assert.Equal(["198.51.100.0/24"], Ranges());
    }

    [Fact]
    public void Key_counts_the_bits_of_the_service_and_of_the_mapped_address()
    {
        Assert.Equal(32u + 96 + 24, SourceRangeKey.From(1, Parse("198.51.100.0/24")).PrefixLength);
        Assert.Equal(32u + 64, SourceRangeKey.From(1, Parse("2001:db8::/64")).PrefixLength);
        Assert.Equal(0x01000000u, SourceRangeKey.From(1, Parse("198.51.100.0/24")).ServiceBe);
    }

    private static ServiceTables Limited(params string[] ranges)
    {
        var tables = Service("web", "10.96.0.1", "10.0.0.1");
        var port = tables.Ports[0];
        Assert.True(Address.TryParse(Balancer, out var balancer));
        var frontend = new Frontend(balancer, 80, FrontendKind.LoadBalancer, HasSourceRanges: ranges.Length > 0);
        return tables with { Ports = [port with { Frontends = [.. port.Frontends, frontend], SourceRanges = [.. ranges.Select(Parse)] }] };
    }

    private static Prefix Parse(string text) => Prefix.TryParse(text, out var prefix) ? prefix : throw new ArgumentException(text);

    private bool MayAsk(string client)
    {
        Assert.True(Address.TryParse(client, out var source));
        Assert.True(Address.TryParse(Balancer, out var balancer));
        Assert.True(_harness.Tables.Frontends.TryRead(FrontendKey.From(balancer, 80, Protocol.Tcp), out var frontend));
        return !frontend.HasSourceRanges
            || _harness.Tables.Ranges.ReadAll().Any(row => row.Key.Service == frontend.Service && row.Key.ToPrefix().Contains(source));
    }

    private string[] Ranges() => [.. _harness.Tables.Ranges.ReadAll().Select(row => row.Key.ToPrefix().ToString())];
}
