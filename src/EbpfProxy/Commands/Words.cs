using System.Text;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Commands;

/// <summary>The words that people and scripts see.</summary>
internal static class Words
{
    public static string Of(Protocol protocol) => protocol switch
    {
        Protocol.Tcp => "TCP",
        Protocol.Udp => "UDP",
        Protocol.Sctp => "SCTP",
    };

    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Cluster => "cluster",
        Verdict.Local => "local",
        Verdict.Refuse => "refuse",
        Verdict.Drop => "drop",
    };

    /// <summary>"ready" gets new traffic, "draining" only goes on with what it has.</summary>
    public static string Of(BackendUse use)
    {
        if ((use & (BackendUse.InClusterSet | BackendUse.InLocalSet)) != 0)
        {
            return "ready";
        }

        return use.HasFlag(BackendUse.Serving) ? "draining" : "unused";
    }

    /// <summary>The name of a reason, as the metrics have it.</summary>
    public static string Of(Reason reason)
    {
        var text = new StringBuilder();
        foreach (char c in reason.ToString())
        {
            text.Append(char.IsAsciiLetterUpper(c) && text.Length > 0 ? "_" : "").Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }

    /// <summary>address:port as one writes it in a URL; a node port is any address of the node.</summary>
    public static string Of(Address address, ushort port)
    {
        if (address == Address.Any)
        {
            return $"*:{port}";
        }

        return address.Family == IpFamily.IPv6 ? $"[{address}]:{port}" : $"{address}:{port}";
    }
}
