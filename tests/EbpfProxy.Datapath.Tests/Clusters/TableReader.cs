using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Tests.Clusters;

/// <summary>Follows a flow through the tables as the programs do, with the rules of <see cref="FlowRules"/> beside them.</summary>
internal sealed class TableReader(TableSet tables, IReadOnlyCollection<Address> nodeAddresses, MasqueradeRules rules)
{
    public string Answer(AskedFlow flow)
    {
        if (!Find(flow.Destination, flow, out var row)
            && !(nodeAddresses.Contains(flow.Destination) && Find(Address.AnyOf(flow.Destination.Family), flow, out row)))
        {
            bool isClusterIP = tables.Addresses.TryRead(AddressKey.From(flow.Destination), out var info) && ((AddressRole)info.Roles).HasFlag(AddressRole.ClusterIP);
            return isClusterIP ? FlowAnswer.Refused : FlowAnswer.Untouched;
        }

        var service = tables.Services.Read(row.Service);
        var port = new PortTables
        {
            Key = default,
            Frontends = [],
            Backends = [],
            Verdicts = new TrafficVerdicts(service.Internal.Verdict, service.External.Verdict, service.ExternalNear.Verdict),
            SourceRanges = [.. tables.Ranges.ReadAll().Where(range => range.Key.Service == row.Service).Select(range => range.Key.ToPrefix())],
        };
        var frontend = new Frontend(flow.Destination, flow.Port, (FrontendKind)row.Kind, row.HasSourceRanges);
        var verdict = FlowRules.For(port, frontend, flow.Client, flow.Place, rules);
        return verdict.Verdict switch
        {
            Verdict.Refuse => FlowAnswer.Refused,
            Verdict.Drop => FlowAnswer.Dropped,
            Verdict.Cluster or Verdict.Local => FlowAnswer.Of(BackendsOf(WordOf(service, frontend.Kind, flow.Place, flow.Client)).Select(backend =>
                (FlowAnswer.NameOf(backend.Address, backend.Port), verdict.IsMasqueraded || FlowRules.IsHairpin(flow.Client, backend)))),
        };
    }

    private bool Find(Address address, AskedFlow flow, out FrontendValue row) =>
        tables.Frontends.TryRead(FrontendKey.From(address, flow.Port, flow.Protocol), out row);

    private TrafficWord WordOf(ServiceValue service, FrontendKind kind, ClientPlace place, Address client) =>
        kind == FrontendKind.ClusterIP ? service.Internal
        : place == ClientPlace.Node || (place == ClientPlace.LocalPod && rules.TellsLocalPodsOf(client.Family)) ? service.ExternalNear
        : service.External;

    private IEnumerable<Backend> BackendsOf(TrafficWord word)
    {
        for (uint i = 0; i < word.Count; i++)
        {
            var backend = tables.Backends.Read(tables.Sets.Read(word.Set + i));
            yield return new Backend(backend.Address.ToAddress(), backend.Port, backend.State.Use);
        }
    }
}
