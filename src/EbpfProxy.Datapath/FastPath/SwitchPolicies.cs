using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>
/// Finds what decides on a packet by the bridge that it comes in by, or in a switch. Programs have it at the port already, and ask the
/// kernel's rules and routes for what comes in there.
/// </summary>
internal static class SwitchPolicies
{
    private const string OpenVSwitch = "openvswitch";
    private const ushort NewRule = 32;
    private const ushort GetRule = 34;

    // struct fib_rule_hdr, and FRA_IIFNAME.
    private const int RuleLength = 12;
    private const ushort RuleIncoming = 3;

    /// <summary>What it is, in words; null where there is nothing.</summary>
    /// <param name="devices">Those that have the programs.</param>
    /// <param name="bridges">Those that they are ports of.</param>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static string? Find(IReadOnlyCollection<NodeDevice> devices, IReadOnlyCollection<NodeDevice> bridges)
    {
        if (devices.FirstOrDefault(device => device.MasterKind == OpenVSwitch) is { } port)
        {
            return $"flows of Open vSwitch at {port.Name}";
        }

        // Where the port does not forward either, programs learn so from the routes.
        return bridges.FirstOrDefault(bridge => !Forwards(bridge) && devices.Any(device => device.Master == bridge.Index && Forwards(device))) is { } bridge
            ? $"{bridge.Name} does not forward"
            : FindRule(bridges);
    }

    private static string? FindRule(IReadOnlyCollection<NodeDevice> bridges)
    {
        if (bridges.Count == 0)
        {
            return null;
        }

        var incoming = ReadIncoming();
        return bridges.FirstOrDefault(bridge => incoming.Contains(bridge.Name)) is { } found ? $"routing rule for what comes in by {found.Name}" : null;
    }

    /// <summary>The devices that rules name by which packets come in.</summary>
    private static List<string> ReadIncoming()
    {
        try
        {
            using var socket = new NetlinkSocket();
            return socket.Dump(GetRule, stackalloc byte[RuleLength], NewRule, body => NetlinkAttributes.ToText(NetlinkAttributes.Find(body[RuleLength..], RuleIncoming)));
        }
        catch (NetlinkException error) when (error.Errno == NetlinkException.OperationNotSupported)
        {
            // A kernel without rules (CONFIG_IP_MULTIPLE_TABLES).
            return [];
        }
    }

    /// <summary>Of IPv4: with IPv6 the setting of a device does not decide on what comes in there.</summary>
    private static bool Forwards(NodeDevice device)
    {
        try
        {
            return File.ReadAllText($"/proc/sys/net/ipv4/conf/{device.Name}/forwarding").Trim() != "0";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // It went while it was looked at.
            return true;
        }
    }
}
