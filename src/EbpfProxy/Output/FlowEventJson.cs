using EbpfProxy.Datapath.View;

namespace EbpfProxy.Output;

/// <summary>What became of a connection, in JSON.</summary>
internal sealed record FlowEventJson(
    DateTimeOffset Time,
    string Result,
    string? Reason,
    string Protocol,
    AddressPortJson? Client,
    AddressPortJson Frontend,
    AddressPortJson? Backend,
    string? Namespace,
    string? Service,
    string? PortName,
    uint? Pid,
    string? Command,
    uint? DeviceIndex)
{
    public static FlowEventJson From(FlowEvent one) => new(
        one.Time,
        Words.FateOf(one.Reason),
        one.Backend is null ? Words.Of(one.Reason) : null,
        Words.Of(one.Protocol),
        one.Client is { } client ? AddressPortJson.From(client) : null,
        AddressPortJson.From(one.Frontend),
        one.Backend is { } backend ? AddressPortJson.From(backend) : null,
        one.Service?.Service.Namespace,
        one.Service?.Service.Name,
        one.Service?.PortName,
        one.Pid == 0 ? null : one.Pid,
        one.Pid == 0 ? null : one.Command,
        one.Device == 0 ? null : one.Device);
}
