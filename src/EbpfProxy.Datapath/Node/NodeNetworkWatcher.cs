using EbpfProxy.Model.Devices;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Node;

/// <summary>Follows the devices, addresses and default routes of the node.</summary>
public sealed class NodeNetworkWatcher(TimeProvider time, ILogger logger)
{
    private const uint LinkGroup = 0x1;
    private const uint TrafficControlGroup = 0x8;
    private const uint Ipv4Group = 0x10;
    private const uint Ipv6Group = 0x100;

    /// <summary>
    /// Routes are not listened to: a node may learn thousands. And nobody is told when a program is taken off a device by
    /// tcx. Both are looked at this often.
    /// </summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    /// <summary>Where much changes, what does not is looked at no more often than this.</summary>
    private static readonly TimeSpan ThoroughInterval = TimeSpan.FromSeconds(1);

    /// <summary>What there is now.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static NodeNetwork Read()
    {
        using var netlink = new RouteNetlink();
        return netlink.Read();
    }

    /// <summary>
    /// Calls <paramref name="changed"/> now, whenever something may have changed, and every few seconds; with whether it is
    /// time to look also at what was right before.
    /// </summary>
    public async Task RunAsync(Action<NodeNetwork, bool> changed, CancellationToken token)
    {
        using var events = new NetlinkSocket(LinkGroup | TrafficControlGroup | Ipv4Group | Ipv6Group);
        using var netlink = new RouteNetlink();
        using var timer = new PeriodicTimer(LookInterval, time);
        long lastThorough = time.GetTimestamp();
        (int Devices, int Addresses) told = default;
        var change = Task.CompletedTask;
        var tick = timer.WaitForNextTickAsync(token).AsTask();
        while (true)
        {
            var network = netlink.Read();
            bool isThorough = time.GetElapsedTime(lastThorough) >= ThoroughInterval;
            lastThorough = isThorough ? time.GetTimestamp() : lastThorough;
            changed(network, isThorough);

            // What is told is done.
            var counts = (network.Devices.Length, network.Addresses.Length);
            if (counts != told)
            {
                Log.NodeNetwork(logger, network.Devices.Length, network.Addresses.Length);
                told = counts;
            }

            change = change.IsCompleted ? events.WaitForChangeAsync(token) : change;
            tick = tick.IsCompleted ? timer.WaitForNextTickAsync(token).AsTask() : tick;
            await await Task.WhenAny(change, tick);
        }
    }
}
