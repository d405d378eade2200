using EbpfProxy.Datapath.View;

namespace EbpfProxy.Output;

/// <summary>What becomes of a flow, in JSON.</summary>
internal sealed record ExplanationJson(
    string ClientAddress,
    string ClientPlace,
    AddressPortJson Destination,
    string Protocol,
    string Result,
    string Message,
    string? Namespace,
    string? Service,
    string? PortName,
    string? FrontendKind,
    uint AffinitySeconds,
    IReadOnlyList<ExplainedEndpointJson> Endpoints,
    bool HandedBack)
{
    public static ExplanationJson From(ExplainedFlow flow, FlowExplanation explanation, bool isHandedBack) => new(
        flow.Client.ToString(),
        Words.FlagOf(flow.Place),
        new AddressPortJson(flow.Destination.ToString(), flow.Port),
        Words.Of(flow.Protocol),
        Words.Of(explanation.Fate),
        explanation.Why,
        explanation.Service?.Key.Service.Namespace,
        explanation.Service?.Key.Service.Name,
        explanation.Service?.Key.PortName,
        explanation.Frontend?.Kind.ToString(),
        explanation.Service?.AffinitySeconds ?? 0,
        [.. explanation.Endpoints.Select(endpoint => new ExplainedEndpointJson(
            endpoint.Backend.Address.ToString(), endpoint.Backend.Port, endpoint.Reason.ToString(), endpoint.Reason == EndpointReason.Chosen && endpoint.IsMasqueraded))],
        isHandedBack);
}

/// <summary>An endpoint of it, in JSON.</summary>
internal sealed record ExplainedEndpointJson(string Address, ushort Port, string Reason, bool Masqueraded);
