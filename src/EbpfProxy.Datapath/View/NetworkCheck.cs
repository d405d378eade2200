using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;

namespace EbpfProxy.Datapath.View;

/// <summary>Asks what of the node's network the packet path depends on.</summary>
internal static class NetworkCheck
{
    private const string Settings = "/proc/sys/net/ipv4";

    public static IEnumerable<CheckRow> Run()
    {
        yield return Devices();
        yield return Read("ip_forward") == "0"
            ? new CheckRow("ip_forward", CheckState.Absent, "net.ipv4.ip_forward=0: what comes from outside reaches only backends in the node's own network")
            : new CheckRow("ip_forward", CheckState.Ok, "packets are forwarded");
        yield return Read("conf/all/rp_filter") == "1"
            ? new CheckRow("rp_filter", CheckState.Ok, "strict (1): an answer has to come in by the device that leads to its sender")
            : new CheckRow("rp_filter", CheckState.Ok, "not strict");
    }

    private static CheckRow Devices()
    {
        try
        {
            var selection = new DeviceSelection([]);
            string[] names = [.. NodeNetworkWatcher.Read().Devices.Where(selection.Includes).Select(device => device.Name)];
            return names.Length > 0
                ? new CheckRow("devices", CheckState.Ok, $"without --devices: {string.Join(", ", names)}")
                : new CheckRow("devices", CheckState.Absent, "none that packets could enter or leave the node by");
        }
        catch (IOException error)
        {
            return new CheckRow("devices", CheckState.Missing, error.Message);
        }
    }

    private static string Read(string setting)
    {
        string path = Path.Combine(Settings, setting);
        return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
    }
}
