using System.Net;
using System.Net.Sockets;
using System.Text;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Events;
using EbpfProxy.Controller.Health;
using EbpfProxy.Controller.Tests.Cache;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace EbpfProxy.Controller.Tests.Health;

/// <summary>kube-proxy's own script for its health check servers, and what changes on the node itself.</summary>
public sealed class HealthCheckPortsTests
{
    private static readonly Address _node = Address.FromIPv4(0xc0a84d01);
    private static readonly Address _other = Address.FromIPv4(0xc0a84d02);

    private readonly FakeTimeProvider _time = new();
    private readonly Listeners _listeners = new();
    private readonly Events _events = new();
    private readonly ProxyHealth _health;
    private readonly HealthCheckPorts _ports;
    private IReadOnlySet<Address> _addresses = new HashSet<Address> { Address.AnyOf(IpFamily.IPv4), Address.AnyOf(IpFamily.IPv6) };

    public HealthCheckPortsTests()
    {
        _health = new ProxyHealth(_time, TimeSpan.FromSeconds(60));
        _ports = new HealthCheckPorts("n1", () => _addresses, _listeners, _health, _events, NullLogger<HealthCheckPorts>.Instance);
    }

    [Fact]
    public void Service_is_served_from_its_first_endpoint_to_its_end()
    {
        Sync(Balanced("web", 9376, endpoints: 0));
        Assert.Equal(503, _listeners.Ask("0.0.0.0:9376")!.StatusCode);

        Sync(Balanced("web", 9376, endpoints: 18));
        Assert.Equal((200, 18), (_listeners.Ask("0.0.0.0:9376")!.StatusCode, _listeners.Ask("0.0.0.0:9376")!.LocalEndpoints));

        Sync(Balanced("web", 9376, endpoints: 0));
        Assert.Equal(503, _listeners.Ask("0.0.0.0:9376")!.StatusCode);

        Sync(new DirtyService(Sample.Name("web"), null, []));
        Assert.Empty(_listeners.Open);
    }

    [Fact]
    public void Body_is_that_of_kube_proxy()
    {
        Sync(Balanced("web", 9376, endpoints: 18));

        Assert.Equal(
            "{\n\t\"service\": {\n\t\t\"namespace\": \"default\",\n\t\t\"name\": \"web\"\n\t},\n\t\"localEndpoints\": 18,\n\t\"serviceProxyHealthy\": true\n}",
            Encoding.UTF8.GetString(_listeners.Ask("0.0.0.0:9376")!.ToJson()));
    }

    [Fact]
    public void Service_without_a_port_that_counts_is_not_served()
    {
        Sync(
            Balanced("cluster", 9376, endpoints: 1, change: s => s with { ExternalTrafficPolicy = TrafficPolicy.Cluster }),
            Balanced("none", 0, endpoints: 1));

        Assert.Empty(_listeners.Open);
    }

    [Fact]
    public void Another_policy_closes_the_port_for_connections_that_are_open_too()
    {
        Sync(Balanced("web", 9376, endpoints: 1));
        var kept = _listeners.Question("0.0.0.0:9376");

        Sync(Balanced("web", 9376, endpoints: 1, change: s => s with { ExternalTrafficPolicy = TrafficPolicy.Cluster }));

        Assert.Empty(_listeners.Open);
        Assert.Null(kept());
    }

    [Fact]
    public void Another_port_takes_the_place_of_the_first()
    {
        Sync(Balanced("web", 9376, endpoints: 2));

        Sync(Balanced("web", 9377, endpoints: 2));

        Assert.Equal(["0.0.0.0:9377"], _listeners.Open);
        Assert.Equal(2, _listeners.Ask("0.0.0.0:9377")!.LocalEndpoints);
    }

    [Fact]
    public void A_port_goes_from_one_service_to_another_in_one_sync()
    {
        Sync(Balanced("a", 9376, endpoints: 1), Balanced("b", 9377, endpoints: 2));

        Sync(Balanced("a", 9377, endpoints: 1), Balanced("b", 9376, endpoints: 2));

        Assert.Equal("b", _listeners.Ask("0.0.0.0:9376")!.Service.Name);
        Assert.Empty(_events.Published);
    }

    [Fact]
    public void Only_a_complete_change_says_what_is_gone()
    {
        Sync(Balanced("web", 9376, endpoints: 1));

        Sync(Balanced("api", 9377, endpoints: 1));
        Assert.Equal(2, _listeners.Open.Count());

        _ports.Sync(new ClusterChanges([Balanced("api", 9377, endpoints: 1)], null, IsComplete: true, [], []));
        Assert.Equal(["0.0.0.0:9377"], _listeners.Open);
    }

    [Fact]
    public void Each_family_of_a_service_is_asked_by_itself()
    {
        Sync(Balanced("web", 9376, endpoints: 2, change: s => s with { ClusterIPs = [.. s.ClusterIPs, Address.From(IPAddress.Parse("fd00::1"))] }));

        Assert.Equal(["0.0.0.0:9376", "[::]:9376"], _listeners.Open);
        Assert.Equal((2, 0), (_listeners.Ask("0.0.0.0:9376")!.LocalEndpoints, _listeners.Ask("[::]:9376")!.LocalEndpoints));
    }

    [Fact]
    public void A_proxy_that_does_not_keep_up_says_so_and_a_node_that_leaves_does_not()
    {
        Sync(Balanced("web", 9376, endpoints: 2));
        _health.QueuedUpdate(IpFamily.IPv6);

        _time.Advance(TimeSpan.FromSeconds(60));

        var report = _listeners.Ask("0.0.0.0:9376")!;
        Assert.Equal((503, false, 2), (report.StatusCode, report.IsProxyHealthy, report.LocalEndpoints));
    }

    [Fact]
    public void Servers_follow_the_addresses_of_the_node()
    {
        _addresses = new HashSet<Address> { _node };
        Sync(Balanced("web", 9376, endpoints: 1));
        Assert.Equal(["192.168.77.1:9376"], _listeners.Open);

        _addresses = new HashSet<Address> { _other };
        _ports.LookAtAddresses();

        Assert.Equal(["192.168.77.2:9376"], _listeners.Open);
    }

    [Fact]
    public void A_node_without_an_address_for_it_serves_nothing()
    {
        _addresses = new HashSet<Address>();

        Sync(Balanced("web", 9376, endpoints: 1));

        Assert.Empty(_listeners.Open);
        Assert.Empty(_events.Published);
    }

    [Fact]
    public void A_port_that_cannot_be_had_is_told_once_and_had_as_soon_as_it_can()
    {
        _addresses = new HashSet<Address> { _node, _other };
        _listeners.Taken.Add("192.168.77.1:9376");
        Sync(Balanced("web", 9376, endpoints: 1));
        Sync(Balanced("api", 9377, endpoints: 1));

        var told = Assert.Single(_events.Published);
        Assert.Equal((true, "FailedToStartServiceHealthcheck", "Listen", "Service"), (told.IsWarning, told.Reason, told.Action, told.Kind));
        Assert.Equal(Sample.Name("web"), told.Regarding);
        Assert.Contains("node n1 failed to start healthcheck \"default/web\" on port 9376", told.Note, StringComparison.Ordinal);
        Assert.Contains("192.168.77.2:9376", _listeners.Open);

        _listeners.Taken.Clear();
        _ports.LookAtAddresses();

        Assert.Contains("192.168.77.1:9376", _listeners.Open);
    }

    [Fact]
    public void A_change_costs_the_services_that_it_is_about()
    {
        Sync([.. Enumerable.Range(0, 1000).Select(i => Balanced($"s{i}", (ushort)(20000 + i), endpoints: 1))]);
        _listeners.Calls = 0;

        Sync(Balanced("s7", 20007, endpoints: 2), new DirtyService(Sample.Name("plain"), Sample.Service("plain"), []));
        _ports.LookAtAddresses();

        Assert.Equal(0, _listeners.Calls);
    }

    private static DirtyService Balanced(string name, ushort port, int endpoints, Func<Service, Service>? change = null)
    {
        var service = Sample.Service(name) with
        {
            Type = ServiceType.LoadBalancer,
            ExternalTrafficPolicy = TrafficPolicy.Local,
            HealthCheckNodePort = port,
        };
        var slice = Sample.Slice($"{name}-1", name) with
        {
            Endpoints =
            [
                .. Enumerable.Range(1, endpoints).Select(i => new Endpoint(
                    Address.FromIPv4((uint)(0x0af40100 + i)), EndpointConditions.Ready | EndpointConditions.Serving, IsLocal: true, null)),
            ],
        };
        return new DirtyService(service.Name, change?.Invoke(service) ?? service, [slice]);
    }

    private void Sync(params DirtyService[] services) => _ports.Sync(new ClusterChanges(services, null, IsComplete: false, [], []));

    private sealed class Listeners : IHealthCheckListeners
    {
        private readonly SortedDictionary<string, Func<ServiceHealthReport?>> _open = new(StringComparer.Ordinal);

        public HashSet<string> Taken { get; } = [];

        public int Calls { get; set; }

        public IEnumerable<string> Open => _open.Keys;

        public Func<ServiceHealthReport?> Question(string address) => _open[address];

        public ServiceHealthReport? Ask(string address) => _open[address]();

        public IDisposable Listen(IPEndPoint address, Func<ServiceHealthReport?> ask)
        {
            Calls++;
            string key = address.ToString();
            return !Taken.Contains(key) && _open.TryAdd(key, ask)
                ? new Closing(() => _open.Remove(key))
                : throw new SocketException((int)SocketError.AddressAlreadyInUse);
        }
    }

    private sealed class Closing(Action close) : IDisposable
    {
        public void Dispose() => close();
    }

    private sealed class Events : IEventSink
    {
        public List<ClusterEvent> Published { get; } = [];

        public void Publish(ClusterEvent happened) => Published.Add(happened);

        public Task FlushAsync() => Task.CompletedTask;
    }
}
