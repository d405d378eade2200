using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>What the tables of a node hold, read as the commands read it.</summary>
internal static class NodeTables
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    public static IReadOnlyList<ServiceRow> ReadServices(this TestNode node) => DatapathView.ReadServices(node.BpfFileSystem);

    /// <summary>Waits until a service is there and all its rows fit.</summary>
    /// <param name="node">The node.</param>
    /// <param name="name">The service.</param>
    /// <param name="fits">Whether a row is as it shall be.</param>
    /// <param name="ports">How many ports it has at the least: they come one after the other.</param>
    public static void WaitForService(this TestNode node, string name, Func<ServiceRow, bool> fits, int ports = 1) => Eventually.Succeeds(
        () =>
        {
            var rows = node.ReadServices().Where(row => row.Key.Service.Name == name).ToList();
            if (rows.Count < ports || !rows.All(row => !row.Frontends.IsEmpty && fits(row)))
            {
                throw new IOException($"{name} is not as it shall be: {string.Join("; ", rows.SelectMany(row => row.Backends))}");
            }
        },
        _deadline);

    /// <summary>Waits until a service has just these backends on each of its ports.</summary>
    public static void WaitForBackends(this TestNode node, string name, params IEnumerable<string> addresses) =>
        node.WaitForBackends(name, ports: 1, addresses);

    /// <summary>Waits until all ports of a manifest's service have the manifest's backends.</summary>
    public static void WaitForBackends(this TestNode node, ManifestService manifest) =>
        node.WaitForBackends(manifest.Name, manifest.Ports.Count, manifest.Endpoints);

    private static void WaitForBackends(this TestNode node, string name, int ports, IEnumerable<string> addresses)
    {
        string[] wanted = [.. addresses.Order(StringComparer.Ordinal)];
        node.WaitForService(
            name, row => row.Backends.Select(b => b.Address.ToString()).Order(StringComparer.Ordinal).SequenceEqual(wanted), ports);
    }
}
