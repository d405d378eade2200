using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;

namespace EbpfProxy.Datapath.View;

/// <summary>Asks what of the node's network the packet path depends on.</summary>
internal static class NetworkCheck
{
    private const string Settings = "/proc/sys/net/ipv4";

    /// <summary>A node has a device for each of its pods: so many are named.</summary>
    private const int MostNames = 12;

    public static IEnumerable<CheckRow> Run(IReadOnlyList<string> devices)
    {
        yield return Devices(devices);
        yield return Read("ip_forward") == "0"
            ? new CheckRow("ip_forward", CheckState.Absent, "net.ipv4.ip_forward=0: what comes from outside reaches only backends in the node's own network")
            : new CheckRow("ip_forward", CheckState.Ok, "packets are forwarded");
        yield return Read("conf/all/rp_filter") == "1"
            ? new CheckRow("rp_filter", CheckState.Ok, "strict (1): an answer has to come in by the device that leads to its sender")
            : new CheckRow("rp_filter", CheckState.Ok, "not strict");
        yield return Forward();
        yield return FastPathView.Find(devices) is { } reason
            ? new CheckRow("fast path", CheckState.Absent, $"connections go through the stack: {reason}")
            : new CheckRow("fast path", CheckState.Ok, "no rule or program of others could decide on a connection");
        foreach (string rules in Early())
        {
            yield return new CheckRow(
                "early rules", CheckState.Absent, $"{rules}: a rule there that names a node port does not see it, it is translated before");
        }
    }

    private static CheckRow Forward()
    {
        try
        {
            string? drops = NetfilterRules.FindForwardDrop();
            return drops is null
                ? new CheckRow("forwarding", CheckState.Ok, "no FORWARD policy drops")
                : new CheckRow("forwarding", CheckState.Absent, $"{drops} has policy drop: what no rule there accepts reaches no pod");
        }
        catch (IOException error)
        {
            return new CheckRow("forwarding", CheckState.Absent, error.Message);
        }
    }

    private static IReadOnlyList<string> Early()
    {
        try
        {
            return NetfilterRules.FindEarly();
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static CheckRow Devices(IReadOnlyList<string> devices)
    {
        try
        {
            var selection = new DeviceSelection(devices);
            string[] names = [.. NodeNetworkWatcher.Read().Devices.Where(selection.Includes).Select(device => device.Name)];
            return names.Length > 0
                ? new CheckRow("devices", CheckState.Ok, $"{(devices.Count == 0 ? "without --devices: " : "")}{NamesOf(names)}")
                : new CheckRow("devices", CheckState.Absent, "none that packets could enter or leave the node by");
        }
        catch (IOException error)
        {
            return new CheckRow("devices", CheckState.Missing, error.Message);
        }
    }

    internal static string NamesOf(IReadOnlyList<string> names) => names.Count > MostNames
        ? $"{string.Join(", ", names.Take(MostNames))} and {names.Count - MostNames} more"
        : string.Join(", ", names);

    private static string Read(string setting)
    {
        string path = Path.Combine(Settings, setting);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
    }
}
