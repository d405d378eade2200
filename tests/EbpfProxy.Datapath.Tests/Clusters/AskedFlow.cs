using System.Net;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Tests.Clusters;

/// <summary>The first packet of a flow: who asks what.</summary>
internal sealed record AskedFlow(ClientPlace Place, Address Client, Address Destination, ushort Port, Protocol Protocol);

/// <summary>What becomes of a flow, in words that two models can be compared by.</summary>
internal static class FlowAnswer
{
    public const string Refused = "refused";
    public const string Dropped = "dropped";
    public const string Untouched = "untouched";

    public static string Of(IEnumerable<(string Backend, bool IsMasqueraded)> backends) =>
        string.Join(' ', backends.Select(each => each.Backend + (each.IsMasqueraded ? "(masqueraded)" : "")).Order(StringComparer.Ordinal));

    public static string NameOf(Address address, ushort port) => new IPEndPoint(address.ToIPAddress(), port).ToString();
}
