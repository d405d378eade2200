using EbpfProxy.Model.Tables;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests.Sync;

/// <summary>Frontends that several services want.</summary>
public sealed class FrontendStoreTests
{
    private const string Shared = "203.0.113.1";

    private readonly WriterHarness _harness = new();

    public static TheoryData<bool, bool> Orders => new() { { true, false }, { false, false }, { true, true }, { false, true } };

    [Theory]
    [MemberData(nameof(Orders))]
    public void First_by_name_has_a_shared_address_in_whatever_order_they_come(bool isFirstFirst, bool restarts)
    {
        ServiceTables[] services = [Wanting("a", "10.96.0.1", "10.0.0.1"), Wanting("b", "10.96.0.2", "10.0.0.2")];
        foreach (var service in isFirstFirst ? services : services.Reverse())
        {
            _harness.Apply(service);
        }

        if (restarts)
        {
            _harness.Restart();
            Assert.Equal(0, _harness.Apply(isComplete: true, services).Writes);
        }

        Assert.Equal($"{Shared}:80 10.0.0.1:8080", SharedLine());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Shared_address_leads_to_the_next_as_soon_as_the_first_is_gone(bool restarts)
    {
        _harness.Apply(Wanting("a", "10.96.0.1", "10.0.0.1"), Wanting("b", "10.96.0.2", "10.0.0.2"), Wanting("c", "10.96.0.3", "10.0.0.3"));
        if (restarts)
        {
            _harness.Restart();
            _harness.Apply(Wanting("b", "10.96.0.2", "10.0.0.2"), Wanting("c", "10.96.0.3", "10.0.0.3"));
        }

        _harness.Journal.AfterWrite = () => Assert.NotNull(SharedLine());

        _harness.Remove("a");

        Assert.Equal($"{Shared}:80 10.0.0.2:8080", SharedLine());
        _harness.Remove("b");
        Assert.Equal($"{Shared}:80 10.0.0.3:8080", SharedLine());
        _harness.Journal.AfterWrite = null;
        _harness.Remove("c");
        Assert.Null(SharedLine());
    }

    [Fact]
    public void Shared_address_leads_to_the_next_as_soon_as_the_first_turns_to_another()
    {
        _harness.Apply(Wanting("a", "10.96.0.1", "10.0.0.1"), Wanting("b", "10.96.0.2", "10.0.0.2"));

        _harness.Apply(WithExternalIP(Service("a", "10.96.0.1", "10.0.0.1"), "203.0.113.9"));

        Assert.Equal($"{Shared}:80 10.0.0.2:8080", SharedLine());
        Assert.Contains("203.0.113.9:80 10.0.0.1:8080", _harness.Dump());
    }

    [Fact]
    public void Services_that_swap_an_address_in_one_breath_leave_it_to_the_one_that_stays()
    {
        _harness.Apply(Wanting("a", "10.96.0.1", "10.0.0.1"), Service("b", "10.96.0.2", "10.0.0.2"));

        _harness.Apply(Wanting("b", "10.96.0.2", "10.0.0.2"), Service("a", "10.96.0.1", "10.0.0.1"));

        Assert.Equal($"{Shared}:80 10.0.0.2:8080", SharedLine());
        Assert.Contains($"{Shared} External", _harness.DumpAddresses());
        Assert.Empty(_harness.Contested);
    }

    [Fact]
    public void Shared_address_is_told_once_with_the_service_that_has_it_and_the_one_that_does_not()
    {
        ServiceTables[] services = [Wanting("b", "10.96.0.2", "10.0.0.2"), Wanting("a", "10.96.0.1", "10.0.0.1")];
        _harness.Apply(services);
        _harness.Apply(isComplete: true, services);
        _harness.Apply(Wanting("a", "10.96.0.1", "10.0.0.9"));
        Assert.Equal([$"{Shared}:80 a b"], _harness.Contested);

        _harness.Remove("a");
        _harness.Apply(services[1]);
        Assert.Equal([$"{Shared}:80 a b", $"{Shared}:80 a b"], _harness.Contested);
    }

    [Fact]
    public void Shared_cluster_ip_is_told_again_by_the_next_run()
    {
        ServiceTables[] services = [Service("b", "10.96.0.1", "10.0.0.2"), Service("a", "10.96.0.1", "10.0.0.1")];
        _harness.Apply(isComplete: true, services);
        _harness.Restart();
        _harness.Apply(isComplete: true, services);

        Assert.Equal(["10.96.0.1:80 a b", "10.96.0.1:80 a b"], _harness.Contested);
    }

    [Fact]
    public void Cluster_ip_is_its_own_services_whoever_else_wants_it()
    {
        _harness.Apply(Service("web", Shared, "10.0.0.1"));

        _harness.Apply(Wanting("a", "10.96.0.2", "10.0.0.2"));

        Assert.Equal($"{Shared}:80 10.0.0.1:8080", SharedLine());
    }

    /// <summary>Whoever asks there and has a backend of the service before is looked for, though no service got other backends.</summary>
    [Fact]
    public void Service_of_udp_that_gets_a_frontend_is_told_with_what_it_has()
    {
        ServiceTables[] services = [ByUdp(Wanting("a", "10.96.0.1", "10.0.0.1")), ByUdp(Service("b", "10.96.0.2", "10.0.0.2"))];
        _harness.Apply(services);
        int turns = _harness.Turns;

        _harness.Apply(ByUdp(Service("a", "10.96.0.1", "10.0.0.1")));
        Assert.Empty(_harness.Moved);
        Assert.Equal(turns, _harness.Turns);

        _harness.Apply(ByUdp(Wanting("b", "10.96.0.2", "10.0.0.2")));
        Assert.Equal(["b 10.0.0.2"], _harness.Moved);
        Assert.Equal(turns + 1, _harness.Turns);

        _harness.Apply(services[0]);
        Assert.Equal(["a 10.0.0.1"], _harness.Moved);

        // What is left by the first goes to the second, which is not in the change.
        _harness.Apply(ByUdp(Service("a", "10.96.0.1", "10.0.0.1")));
        Assert.Equal(["b 10.0.0.2"], _harness.Moved);
        Assert.Equal(turns + 3, _harness.Turns);
    }

    [Fact]
    public void Frontend_of_tcp_that_turns_is_told_to_nobody()
    {
        _harness.Apply(Service("a", "10.96.0.1", "10.0.0.1"));

        _harness.Apply(Wanting("a", "10.96.0.1", "10.0.0.1"));

        Assert.Empty(_harness.Moved);
        Assert.Equal(0, _harness.Turns);
    }

    /// <summary>Until then what asks there stays with the service before, and is not looked for again.</summary>
    [Fact]
    public void Service_of_udp_that_has_somebody_again_is_told()
    {
        _harness.Apply(ByUdp(Service("a", "10.96.0.1")));
        int turns = _harness.Turns;

        _harness.Apply(ByUdp(Service("a", "10.96.0.1", "10.0.0.1")));
        Assert.Equal(turns + 1, _harness.Turns);

        _harness.Apply(ByUdp(Service("a", "10.96.0.1", "10.0.0.1", "10.0.0.2")));
        Assert.Equal(turns + 1, _harness.Turns);
    }

    private static ServiceTables Wanting(string name, string clusterIP, string backend) => WithExternalIP(Service(name, clusterIP, backend), Shared);

    private string? SharedLine() => _harness.Dump().SingleOrDefault(line => line.StartsWith(Shared, StringComparison.Ordinal));
}
