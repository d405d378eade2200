using System.Text;
using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>Finds the sets of addresses that kube-proxy's mode ipvs keeps for its rules, by nfnetlink.</summary>
internal static class IpSetParts
{
    // The upper byte is NFNL_SUBSYS_IPSET.
    private const ushort Destroy = 0x0603;
    private const ushort List = 0x0607;

    private const ushort ProtocolAttribute = 1;
    private const ushort NameAttribute = 2;
    private const ushort FlagsAttribute = 6;
    private const byte ProtocolVersion = 6;
    private const byte OnlyNames = 1 << 1;
    private const int MessageLength = 4;

    /// <summary>
    /// Of its names those of IPv6 have a number behind this, and are cut to 31 characters. Others have names that begin so too: the
    /// policies of kube-router, and of k3s and k0s which have it inside, are in KUBE-SRC-* and KUBE-DST-*.
    /// </summary>
    private const string Prefix = "KUBE-";
    private const string PrefixIPv6 = "KUBE-6-";

    private static readonly string[] _kinds =
        ["LOOP-BACK", "CLUSTER-IP", "EXTERNAL-IP", "LOAD-BALANCER", "NODE-PORT-", "HEALTH-CHECK-NODE-PORT", "IPVS-IPS"];

    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IEnumerable<KubeProxyPart> Find() =>
        Names().Select(name => new KubeProxyPart($"ipset {name}", "addresses of its rules", () => Remove(name)));

    private static IEnumerable<string> Names()
    {
        using var socket = NetlinkSocket.TryOpenNetfilter();
        if (socket is null)
        {
            return [];
        }

        byte[] request =
        [
            .. new byte[MessageLength],
            .. NetlinkAttributes.Make(ProtocolAttribute, ProtocolVersion),
            .. NetlinkAttributes.Make(FlagsAttribute, 0, 0, 0, OnlyNames),
        ];
        try
        {
            return socket.Dump(List, request, List, body => NetlinkAttributes.ToText(NetlinkAttributes.Find(body[MessageLength..], NameAttribute)))
                .Where(IsKubeProxys)
                .Order(StringComparer.Ordinal);
        }
        catch (NetlinkException error) when (error.LacksSubsystem)
        {
            // Nothing on this node has wanted sets so far.
            return [];
        }
    }

    private static bool IsKubeProxys(string name)
    {
        string kind = name.StartsWith(PrefixIPv6, StringComparison.Ordinal) ? name[PrefixIPv6.Length..]
            : name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : "";
        return _kinds.Any(known => kind.StartsWith(known, StringComparison.Ordinal));
    }

    private static void Remove(string name)
    {
        using var socket = new NetlinkSocket(protocol: NetlinkSocket.Netfilter);
        byte[] request =
        [
            .. new byte[MessageLength],
            .. NetlinkAttributes.Make(ProtocolAttribute, ProtocolVersion),
            .. NetlinkAttributes.Make(NameAttribute, [.. Encoding.ASCII.GetBytes(name), 0]),
        ];
        int error = socket.Do(Destroy, request);
        if (error != 0)
        {
            throw new IOException($"ipset {name}: {new NetlinkException(error).Message}");
        }
    }
}
