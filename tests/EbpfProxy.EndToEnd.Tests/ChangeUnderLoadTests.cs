using System.Globalization;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>The tables change while connections are made without a pause.</summary>
[Collection(typeof(AloneOnTheMachine))]
public sealed class ChangeUnderLoadTests : IDisposable
{
    private readonly ServiceStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public async Task Thousand_endpoint_changes_fail_no_connection(string protocol)
    {
        await using var server = await KubernetesApiServer.StartAsync(new() { Namespace = _stage.Node.Network });
        foreach (var service in new[] { WebOver(_stage.Backends), Web6Over(_stage.Backends) })
        {
            server.Apply(service.ServiceJson());
            server.Apply(service.SliceJson());
        }

        _stage.Proxy.Kill();
        using var proxy = _stage.Node.StartProxy("--master", server.Address.ToString(), "--kubeconfig", EmptyKubeconfig(server));
        using var load = _stage.Client.Place.Load(protocol, (Web4, Port, ""), (Web6, Port, ""));
        load.WaitForMore(100);

        for (int i = 0; i < 1000; i++)
        {
            // Never without a backend: one or two of the three, another choice each time.
            var chosen = _stage.Backends.Where((_, index) => (((i % 6) + 1) >> index & 1) == 1);
            server.Apply((i % 2 == 0 ? WebOver(chosen) : Web6Over(chosen)).SliceJson());
            if (i % 10 == 0)
            {
                load.WaitForMore(10);
            }
        }

        server.Apply(WebOver(_stage.A).SliceJson());
        _stage.WaitForBackends("web", _stage.A.IPv4);
        load.EndWithoutFailure();
        Assert.Equal(["a/8080"], _stage.Client.Place.Spread(protocol, Web4, Port, 50).Keys);
    }

    [KernelFact]
    public void Growth_to_a_hundred_thousand_frontends_fails_no_connection_and_keeps_every_id()
    {
        const int services = 100;
        const int ports = 1000;
        var before = _stage.Node.ReadServices();
        using var held = _stage.Client.Place.Hold("tcp", Web4, Port);
        var answer = held.Ask();
        using var load = _stage.Client.Place.Load("tcp", (Web4, Port, ""), (Web6, Port, ""));
        load.WaitForMore(500);

        for (int i = 0; i < services; i++)
        {
            _stage.Node.Manifests.Write(ManyPorts(i, ports));
        }

        _stage.WaitForService($"grown-{services - 1}");
        load.WaitForMore(500);

        load.EndWithoutFailure();
        var after = _stage.Node.ReadServices();
        Assert.Equal(before.Count + (services * ports), after.Count);
        Assert.Equal(
            before.Select(row => (row.Id, row.Key)),
            after.Where(row => !row.Key.Service.Name.StartsWith("grown-", StringComparison.Ordinal)).Select(row => (row.Id, row.Key)));
        Assert.Equal(answer, held.Ask());
        Assert.Equal("a/8080", _stage.Client.Place.Ask("tcp4", "10.97.0.99", 1999)[0].Name);
    }

    private ManifestService ManyPorts(int number, int ports) => new(
        $"grown-{number}",
        $"10.97.0.{number}",
        [.. Enumerable.Range(1000, ports).Select(port => new ManifestPort(port.ToString("'p'0", CultureInfo.InvariantCulture), port, BackendPort))],
        [_stage.A.IPv4]);

    private string EmptyKubeconfig(KubernetesApiServer server) =>
        new Kubeconfig { Server = server.Address }.Write(Path.Combine(_stage.Node.Manifests.Path, "kubeconfig"));
}
