using EbpfProxy.Controller.Cache;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Tests.Cache;

public sealed class ClusterCacheTests : IDisposable
{
    private readonly Listener _listener = new();
    private readonly ClusterCache _cache;

    public ClusterCacheTests() => _cache = new ClusterCache(_listener);

    public void Dispose() => _cache.Dispose();

    [Theory]
    [InlineData("services, slices, node")]
    [InlineData("node, slices, services")]
    [InlineData("slices, node, services")]
    public void It_is_synced_when_services_slices_and_node_are_listed_in_whatever_order(string order)
    {
        foreach (string list in order.Split(", "))
        {
            Assert.False(_cache.IsSynced);
            Assert.Equal(0, _listener.Pending);
            switch (list)
            {
                case "services":
                    _cache.ListServices(Sample.Service("web"));
                    break;
                case "slices":
                    _cache.ListSlices(Sample.Slice("web-1", "web", 1));
                    break;
                default:
                    _cache.SetNode(null);
                    break;
            }
        }

        Assert.True(_cache.IsSynced);
        Assert.Equal(1, _listener.Pending);
    }

    [Fact]
    public void Nothing_can_be_taken_before_every_first_list_is_complete()
    {
        _cache.ListServices(Sample.Service("web"));
        _cache.SetNode(null);

        Assert.Throws<InvalidOperationException>(() => _cache.Take(everything: true));
    }

    [Fact]
    public async Task Waiting_ends_with_the_last_of_the_first_lists()
    {
        var wait = _cache.WaitAsync(TestContext.Current.CancellationToken);
        _cache.ListServices(Sample.Service("web"));
        _cache.ListSlices();
        Assert.False(wait.IsCompleted);

        _cache.SetNode(null);

        await wait.AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void What_was_taken_is_not_waited_for_again()
    {
        Sync(Sample.Service("web"));

        _cache.SetService(Sample.Service("web", port: 81));
        _cache.Take(everything: false);

        Assert.False(_cache.WaitAsync(TestContext.Current.CancellationToken).AsTask().IsCompleted);
    }

    [Fact]
    public void A_service_is_taken_once_with_all_its_slices()
    {
        Sync(Sample.Service("web"), Sample.Service("other"));

        _cache.SetSlice(Sample.Slice("web-1", "web", 1));
        _cache.SetSlice(Sample.Slice("web-2", "web", 2));
        var changes = _cache.Take(everything: false);

        var web = Assert.Single(changes.Services);
        Assert.Equal(Sample.Name("web"), web.Name);
        Assert.Equal(["web-1", "web-2"], web.Slices.Select(s => s.Name.Name));
        Assert.False(changes.IsComplete);
        Assert.Empty(_cache.Take(everything: false).Services);
    }

    [Fact]
    public void A_slice_that_comes_before_its_service_is_used_when_the_service_comes()
    {
        Sync();
        _cache.SetSlice(Sample.Slice("web-1", "web", 1));
        Assert.Empty(_cache.Take(everything: false).Services);

        _cache.SetService(Sample.Service("web"));

        var web = Assert.Single(_cache.Take(everything: false).Services);
        Assert.Single(web.Slices);
    }

    [Fact]
    public void What_comes_again_unchanged_makes_nothing_dirty()
    {
        Sync(Sample.Service("web"));
        _cache.SetSlice(Sample.Slice("web-1", "web", 1));
        _cache.Take(everything: false);
        int pending = _listener.Pending;

        _cache.SetService(Sample.Service("web"));
        _cache.SetSlice(Sample.Slice("web-1", "web", 1) with { TriggerTime = DateTimeOffset.UnixEpoch });

        Assert.Empty(_cache.Take(everything: false).Services);
        Assert.Equal(pending, _listener.Pending);
        Assert.Equal(2, _listener.Services);
        Assert.Equal(2, _listener.Slices);
    }

    public static TheoryData<string, Func<Service, Service>> ServiceChanges => new()
    {
        { "type", s => s with { Type = ServiceType.NodePort } },
        { "cluster IP", s => s with { ClusterIPs = [] } },
        { "port", s => s with { Ports = [s.Ports[0] with { Port = 81 }] } },
        { "external IP", s => s with { ExternalIPs = s.ClusterIPs } },
        { "load-balancer IP", s => s with { LoadBalancerIPs = s.ClusterIPs } },
        { "source range", s => s with { LoadBalancerSourceRanges = [new(s.ClusterIPs[0], 8)] } },
        { "affinity", s => s with { AffinitySeconds = 10 } },
        { "other proxy", s => s with { HasOtherProxy = true } },
    };

    [Theory]
    [MemberData(nameof(ServiceChanges), DisableDiscoveryEnumeration = true)]
    public void A_change_of_any_field_of_a_service_makes_it_dirty(string field, Func<Service, Service> change)
    {
        Sync(Sample.Service("web"));

        _cache.SetService(change(Sample.Service("web")));

        Assert.True(_cache.Take(everything: false).Services.Count == 1, field);
    }

    public static TheoryData<string, Func<EndpointSlice, EndpointSlice>> SliceChanges => new()
    {
        { "ports", s => s with { Ports = [] } },
        { "address", s => s with { Endpoints = Sample.Slice("", "", 2).Endpoints } },
        { "conditions", s => s with { Endpoints = [s.Endpoints[0] with { Conditions = EndpointConditions.None }] } },
        { "hints", s => s with { Endpoints = [s.Endpoints[0] with { Hints = new TopologyHints(["b"], []) }] } },
        { "no hints", s => s with { Endpoints = [s.Endpoints[0] with { Hints = null }] } },
    };

    [Theory]
    [MemberData(nameof(SliceChanges), DisableDiscoveryEnumeration = true)]
    public void A_change_of_any_field_of_a_slice_makes_its_service_dirty(string field, Func<EndpointSlice, EndpointSlice> change)
    {
        Sync(Sample.Service("web"));
        _cache.SetSlice(Sample.Slice("web-1", "web", 1));
        _cache.Take(everything: false);

        _cache.SetSlice(change(Sample.Slice("web-1", "web", 1)));

        Assert.True(_cache.Take(everything: false).Services.Count == 1, field);
    }

    [Fact]
    public void A_slice_that_goes_to_another_service_makes_both_dirty()
    {
        Sync(Sample.Service("web"), Sample.Service("api"));
        _cache.SetSlice(Sample.Slice("s", "web", 1));
        _cache.Take(everything: false);

        _cache.SetSlice(Sample.Slice("s", "api", 1));

        var changes = _cache.Take(everything: false).Services.OrderBy(s => s.Name).ToList();
        Assert.Equal(["api", "web"], changes.Select(s => s.Name.Name));
        Assert.Equal([1, 0], changes.Select(s => s.Slices.Length));
    }

    [Fact]
    public void A_removed_service_is_taken_without_an_object()
    {
        Sync(Sample.Service("web"));

        _cache.RemoveService(Sample.Name("web"));
        _cache.RemoveService(Sample.Name("unknown"));

        var gone = Assert.Single(_cache.Take(everything: false).Services);
        Assert.Equal(Sample.Name("web"), gone.Name);
        Assert.Null(gone.Service);
    }

    [Fact]
    public void A_removed_slice_leaves_the_others_of_its_service()
    {
        Sync(Sample.Service("web"));
        _cache.SetSlice(Sample.Slice("web-1", "web", 1));
        _cache.SetSlice(Sample.Slice("web-2", "web", 2));

        _cache.RemoveSlice(Sample.Name("web-1"));

        var web = Assert.Single(_cache.Take(everything: false).Services);
        Assert.Equal("web-2", Assert.Single(web.Slices).Name.Name);
    }

    [Fact]
    public void A_complete_list_removes_what_it_did_not_bring()
    {
        Sync(Sample.Service("a"), Sample.Service("b"), Sample.Service("c"));

        _cache.ListServices(Sample.Service("a"), Sample.Service("c", port: 81));

        var changes = _cache.Take(everything: false).Services.OrderBy(s => s.Name).ToList();
        Assert.Equal(["b", "c"], changes.Select(s => s.Name.Name));
        Assert.Null(changes[0].Service);
        Assert.NotNull(changes[1].Service);
    }

    [Fact]
    public void A_complete_list_of_slices_removes_what_it_did_not_bring()
    {
        Sync(Sample.Service("web"));
        _cache.ListSlices(Sample.Slice("web-1", "web", 1), Sample.Slice("web-2", "web", 2));

        _cache.ListSlices(Sample.Slice("web-2", "web", 2));

        var web = Assert.Single(_cache.Take(everything: false).Services);
        Assert.Equal("web-2", Assert.Single(web.Slices).Name.Name);
    }

    [Fact]
    public void A_list_that_broke_off_removes_nothing_and_the_next_one_does()
    {
        Sync(Sample.Service("a"), Sample.Service("b"));
        using (var broken = _cache.BeginServices())
        {
            broken.Add(Sample.Service("c"));
        }

        var first = Assert.Single(_cache.Take(everything: false).Services);
        _cache.ListServices(Sample.Service("a"));

        Assert.Equal("c", first.Name.Name);
        var gone = _cache.Take(everything: false).Services;
        Assert.Equal(["b", "c"], gone.Select(s => s.Name.Name).Order());
        Assert.All(gone, s => Assert.Null(s.Service));
    }

    [Fact]
    public void An_object_that_is_set_while_a_list_is_under_way_is_kept()
    {
        Sync(Sample.Service("a"), Sample.Service("b"));
        using var list = _cache.BeginServices();
        list.Add(Sample.Service("a"));
        _cache.SetService(Sample.Service("b"));

        list.Complete();

        Assert.Empty(_cache.Take(everything: false).Services);
    }

    [Fact]
    public void A_change_of_zone_or_address_makes_every_service_dirty_and_other_changes_of_the_node_none()
    {
        Sync(Sample.Service("a"), Sample.Service("b"));
        _cache.SetNode(Sample.Node(zone: "z1"));
        Assert.Equal(2, _cache.Take(everything: false).Services.Count);

        _cache.SetNode(Sample.Node(zone: "z1", isLeaving: true));
        int afterTaint = _cache.Take(everything: false).Services.Count;
        _cache.SetNode(Sample.Node(zone: "z2"));
        var afterMove = _cache.Take(everything: false);

        Assert.Equal(0, afterTaint);
        Assert.Equal(2, afterMove.Services.Count);
        Assert.Equal("z2", afterMove.Node?.Zone);

        _cache.SetNode(Sample.Node(zone: "z2") with { Addresses = [] });
        Assert.Equal(2, _cache.Take(everything: false).Services.Count);
    }

    [Fact]
    public void Node_that_is_deleted_and_comes_again_changes_no_service()
    {
        Sync(Sample.Service("a"));
        _cache.SetNode(Sample.Node(zone: "z1"));
        _cache.Take(everything: false);

        _cache.SetNode(null);
        var gone = _cache.Take(everything: true);
        bool isGone = _cache.Node is null;
        _cache.SetNode(Sample.Node(zone: "z1"));

        Assert.True(isGone);
        Assert.Equal("z1", gone.Node?.Zone);
        Assert.Empty(_cache.Take(everything: false).Services);
    }

    [Fact]
    public async Task Everything_that_is_wanted_is_brought_without_another_change()
    {
        Sync(Sample.Service("a"), Sample.Service("b"));
        _cache.Take(everything: true);

        _cache.WantEverything();
        await _cache.WaitAsync(TestContext.Current.CancellationToken);
        var changes = _cache.Take(everything: false);

        Assert.Equal(2, changes.Services.Count);
        Assert.True(changes.IsComplete);
        Assert.Empty(_cache.Take(everything: false).Services);
    }

    [Fact]
    public void Taking_everything_brings_all_services_and_leaves_nothing_dirty()
    {
        Sync(Sample.Service("a"), Sample.Service("b"));
        _cache.RemoveService(Sample.Name("b"));

        var changes = _cache.Take(everything: true);

        Assert.True(changes.IsComplete);
        Assert.Equal("a", Assert.Single(changes.Services).Name.Name);
        Assert.Empty(_cache.Take(everything: false).Services);
    }

    private void Sync(params Service[] services)
    {
        _cache.ListServices(services);
        _cache.ListSlices();
        _cache.SetNode(null);
        _cache.Take(everything: true);
    }

    private sealed class Listener : IChangeListener
    {
        public int Services { get; private set; }

        public int Slices { get; private set; }

        public int Pending { get; private set; }

        public void OnService() => Services++;

        public void OnSlice() => Slices++;

        public void OnPending(int services, int slices) => Pending++;
    }
}
