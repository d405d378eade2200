using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>The names of the programs in bpf/tc.bpf.c.</summary>
internal static class DeviceProgramNames
{
    private const string Ingress = "proxy_ingress";
    private const string Egress = "proxy_egress";

    /// <summary>
    /// In the order of attaching: what undoes a translation or finishes one before what begins it, so that nothing is
    /// translated that cannot be undone. Removal goes backwards.
    /// </summary>
    public static IReadOnlyList<TrafficDirection> Order { get; } = [TrafficDirection.Egress, TrafficDirection.Ingress];

    /// <summary>Those for one kind of devices, in the order of attaching.</summary>
    public static IEnumerable<string> For(LinkHeader header) => Order.Select(direction => Of(direction, header));

    public static string Of(TrafficDirection direction, LinkHeader header) => Stem(direction) + header switch
    {
        LinkHeader.Ethernet => "",
        LinkHeader.None => "_ip",
    };

    /// <summary>Whether a program of that name, which the kernel may have cut short, is ours.</summary>
    public static bool IsOurs(string name, TrafficDirection direction) => name.StartsWith(Stem(direction), StringComparison.Ordinal);

    public static string Word(TrafficDirection direction) => direction switch
    {
        TrafficDirection.Ingress => "ingress",
        TrafficDirection.Egress => "egress",
    };

    private static string Stem(TrafficDirection direction) => direction switch
    {
        TrafficDirection.Ingress => Ingress,
        TrafficDirection.Egress => Egress,
    };
}
