using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.Scenarios.Check;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>Services whose slices somebody made by hand, new ranges of cluster IPs, and the API server's own service.</summary>
public sealed class CustomSliceTests(ScenarioStage stage) : IClassFixture<ScenarioStage>
{
    private static readonly ManifestPort _one = new("one", 80, 8080);
    private static readonly ManifestPort _two = new("two", 81, 8081);

    [KernelFact]
    public void EPS_04_Ports_that_are_spread_over_slices_are_all_reached()
    {
        var service = new ScenarioService("eps04", 104)
        {
            Ports = [_one, _two],
            OwnSlices = [new("x", [_one], stage.Endpoint("a1"), stage.Endpoint("a2")), new("y", [_two], stage.Endpoint("a1"), stage.Endpoint("b2"))],
        };

        stage.Apply(service);

        service.IsUp(stage.Everywhere, 80, ["a1", "a2"]);
        service.IsUp(stage.Everywhere, 81, ["a1", "b2"]);
    }

    [KernelFact]
    public void EPS_05_Addresses_that_are_spread_over_slices_are_all_reached()
    {
        var service = new ScenarioService("eps05", 105)
        {
            Ports = [_one, _two],
            OwnSlices = [new("x", [_one, _two], stage.Endpoint("a1")), new("y", [_one, _two], stage.Endpoint("a2")), new("z", [_one, _two], stage.Endpoint("a3"))],
        };

        stage.Apply(service);

        service.IsUp(stage.Everywhere, 80, ["a1", "a2", "a3"]);
        service.IsUp(stage.Everywhere, 81, ["a1", "a2", "a3"]);
    }

    [KernelFact]
    public void SC_01_Service_with_an_address_of_a_new_range_is_reached()
    {
        stage.SkipBefore(33);
        var service = new ScenarioService("sc01", 106, stage.Endpoint("a1")) { OwnClusterIP = "10.97.3.4", Families = [4] };
        stage.Apply("{'apiVersion':'networking.k8s.io/v1','kind':'ServiceCIDR','metadata':{'name':'new'},'spec':{'cidrs':['10.97.0.0/16']}}");

        stage.Apply(service.AsNodePort(30106));

        service.IsUp(stage.Everywhere, "a1");
        Assert.All([stage.First, stage.Second], node => Reaches(stage.Cluster.Outside, "tcp", (node.IPv4, 30106), ["a1"]));
    }

    [KernelFact]
    public void AS_01_Service_of_the_API_server_works_from_everywhere()
    {
        var service = new ScenarioService("kubernetes", 107, new ScenarioEndpoint(stage.First.IPv4, stage.First.IPv6, stage.First.Name))
        {
            Ports = [new("https", 443, stage.Server.Address.Port)],
            OwnClusterIP = "10.96.0.1",
            Families = [4],
        };

        stage.Apply(service);

        Soon(() => Assert.All([.. stage.Everywhere, stage.Client(stage.Third).Place], place =>
        {
            string script = "exec 3<>/dev/tcp/10.96.0.1/443; printf 'GET /api/v1/services?limit=1 HTTP/1.0\\r\\n\\r\\n' >&3; head -1 <&3";


            // One that wants TLS says so.
            Assert.Matches("^HTTP/1.[01] (200 OK|400 Bad Request)", place.Run("bash", "-c", script).Output);
        }));
    }
}
