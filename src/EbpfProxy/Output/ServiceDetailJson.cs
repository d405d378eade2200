using System.Text.Json.Serialization;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Output;

/// <summary>All of one service, in JSON: what lists have of it, what it did, and each endpoint.</summary>
internal sealed record ServiceDetailJson : ServiceJson
{
    private ServiceDetailJson(ServiceJson service, TallyJson? soFar, IReadOnlyList<EndpointJson> endpoints)
        : base(service)
    {
        SoFar = soFar;
        Endpoints = endpoints;
    }

    /// <summary>Behind what lists have, which says of which service it is.</summary>
    [JsonPropertyOrder(1)]
    public TallyJson? SoFar { get; }

    [JsonPropertyOrder(2)]
    public IReadOnlyList<EndpointJson> Endpoints { get; }

    public static ServiceDetailJson From(ServiceRow service, ConnectionCounts counts, ServiceTally? tally) => new(
        From(service, counts.Of(service.Key)),
        tally is null ? null : TallyJson.From(tally),
        [.. service.Backends.Select(backend => EndpointJson.From(service, backend, counts))]);
}

/// <summary>An endpoint of it, in JSON.</summary>
internal sealed record EndpointJson(
    string Address, ushort Port, string State, IReadOnlyList<string> Sets, bool OnNode, ConnectionCountJson? Connections)
{
    public static EndpointJson From(ServiceRow service, BackendRow backend, ConnectionCounts counts) => new(
        backend.Address.ToString(),
        backend.Port,
        Words.Of(backend.Use),
        [.. Words.SetsOf(backend)],
        backend.Use.HasFlag(BackendUse.OnNode),
        ConnectionCountJson.From(counts.Of(service.Key, backend)));
}
