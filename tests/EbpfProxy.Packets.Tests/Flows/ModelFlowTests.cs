using System.Net;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Flows;

namespace EbpfProxy.Packets.Tests.Flows;

/// <summary>The flow tables, answered by the pure model.</summary>
public sealed class ModelFlowTests
{
    [Theory]
    [MemberData(nameof(FlowTables.Names), MemberType = typeof(FlowTables))]
    public void Model_answers_every_row(string name)
    {
        var flows = FlowTables.Get(name);
        var services = flows.Build();

        var answers = flows.Rows.Select(row => $"{row.Text[..(row.Text.IndexOf('>') + 2)]}{row.Destination} {Answer(flows, services, row)}");

        Assert.NotEmpty(flows.Rows);
        Assert.Equal(
            flows.Rows.Select(row => $"{row.Text[..(row.Text.IndexOf('>') + 2)]}{row.Destination} {row.Expected}"), answers);
    }

    private static string Answer(FlowCase flows, ServiceTables[] services, FlowRow row)
    {
        var destination = Address.From(row.Destination.Address);
        var (service, frontend) = Find(flows, services, destination, (ushort)row.Destination.Port, row.Protocol);
        if (service is null)
        {
            bool isClusterIP = services.SelectMany(each => each.Ports).SelectMany(port => port.Frontends)
                .Any(each => each.Kind == FrontendKind.ClusterIP && each.Address == destination);
            return FlowRow.Describe(
                isClusterIP ? FlowOutcome.Refused
                : flows.ServiceCidrs.Any(cidr => cidr.Contains(destination)) ? FlowOutcome.Dropped : FlowOutcome.Untouched,
                []);
        }

        var place = row.Place == ClientPlace.LocalPod && !flows.Pods.Any(pods => pods.Contains(row.Client)) && flows.Pods.Length > 0
            ? ClientPlace.Elsewhere
            : row.Place;
        var verdict = FlowRules.For(service, frontend, row.Client, place, flows.Rules);
        var use = verdict.Verdict switch
        {
            Verdict.Cluster => BackendUse.InClusterSet,
            Verdict.Local => BackendUse.InLocalSet,
            Verdict.Refuse or Verdict.Drop => BackendUse.None,
        };
        return FlowRow.Describe(
            verdict.Verdict switch
            {
                Verdict.Cluster or Verdict.Local => FlowOutcome.Translated,
                Verdict.Refuse => FlowOutcome.Refused,
                Verdict.Drop => FlowOutcome.Dropped,
            },
            service.Backends.Where(backend => (backend.Use & use) != 0).Select(backend => (
                new IPEndPoint(backend.Address.ToIPAddress(), backend.Port).ToString(),
                verdict.IsMasqueraded || FlowRules.IsHairpin(row.Client, backend))));
    }

    private static (PortTables? Service, Frontend Frontend) Find(
        FlowCase flows, ServiceTables[] services, Address destination, ushort port, Protocol protocol)
    {
        var ports = services.SelectMany(service => service.Ports).Where(each => each.Key.Protocol == protocol).ToArray();
        var found = Find(ports, destination, port);
        return found.Service is null && flows.NodeAddresses.Contains(destination)
            ? Find(ports, Address.AnyOf(destination.Family), port)
            : found;
    }

    private static (PortTables? Service, Frontend Frontend) Find(PortTables[] ports, Address address, ushort port) =>
        ports.SelectMany(service => service.Frontends.Select(frontend => ((PortTables? Service, Frontend Frontend))(service, frontend)))
            .FirstOrDefault(pair => pair.Frontend.Address == address && pair.Frontend.Port == port);
}
