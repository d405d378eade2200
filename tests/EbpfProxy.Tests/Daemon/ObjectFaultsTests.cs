using System.Net;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace EbpfProxy.Tests.Daemon;

public sealed class ObjectFaultsTests
{
    private readonly LogLines _log = new();
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();

    [Theory]
    [InlineData("Service", "shop", "web", "spec.clusterIP", "Warning: Invalid Service shop/web spec.clusterIP: \"10.96.0.400\" is not an IP address")]
    [InlineData("Node", "", "n1", "spec.podCIDRs[0]", "Warning: Invalid Node n1 spec.podCIDRs[0]: \"10.96.0.400\" is not an IP address")]
    [InlineData("Service", "shop", "web", "", "Warning: Invalid Service shop/web: \"10.96.0.400\" is not an IP address")]
    [InlineData("Service", null, null, "", "Warning: Invalid Service: \"10.96.0.400\" is not an IP address")]
    public async Task A_fault_is_told_in_one_line_that_names_object_and_field_and_is_counted(
        string kind, string? space, string? name, string field, string line)
    {
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(new Provider(_log)));
        var faults = new ObjectFaults(Metrics.WithCustomRegistry(_registry), logging.CreateLogger<ObjectFaults>());

        faults.Report(kind, name is null ? default : new ObjectName(space!, name), field, "\"10.96.0.400\" is not an IP address");

        Assert.Equal([line], _log.Lines);
        using var metrics = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(metrics, TestContext.Current.CancellationToken);
        Assert.Contains(
            $"ebpf_proxy_object_faults_total{{kind=\"{kind}\"}} 1\n", System.Text.Encoding.UTF8.GetString(metrics.ToArray()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Service")]
    [InlineData("EndpointSlice")]
    [InlineData("Node")]
    [InlineData("ServiceCIDR")]
    [InlineData("Manifest")]
    public async Task The_first_fault_of_a_kind_is_an_increase(string kind)
    {
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(new Provider(_log)));
        _ = new ObjectFaults(Metrics.WithCustomRegistry(_registry), logging.CreateLogger<ObjectFaults>());

        using var metrics = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(metrics, TestContext.Current.CancellationToken);

        Assert.Contains(
            $"ebpf_proxy_object_faults_total{{kind=\"{kind}\"}} 0\n", System.Text.Encoding.UTF8.GetString(metrics.ToArray()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.96.0.10", "10.96.0.10:80 TCP")]
    [InlineData("fd00::a", "[fd00::a]:80 TCP")]
    [InlineData("0.0.0.0", "node port 80 TCP")]
    public void An_address_that_another_service_has_is_told_with_both(string address, string place)
    {
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(new Provider(_log)));
        var faults = new ObjectFaults(Metrics.WithCustomRegistry(_registry), logging.CreateLogger<ObjectFaults>());

        faults.Report(new ContestedFrontend(KeyOf("a"), KeyOf("b"), Address.From(IPAddress.Parse(address)), 80));

        Assert.Equal([$"Warning: Invalid Service shop/b: {place} leads to shop/a, which wants it as well and comes first"], _log.Lines);
    }

    private static ServiceKey KeyOf(string name) => new(new ObjectName("shop", name), "http", Protocol.Tcp, IpFamily.IPv4);

    private sealed class Provider(ILogger logger) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void Dispose()
        {
            // It holds nothing.
        }
    }
}
