using EbpfProxy.Model.Devices;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Devices;

/// <summary>
/// The tunnels that end where a packet's route says, for programs that send what the node's own sockets ask past the hooks:
/// the kernel tells them of such a route, and not by which device it leads.
/// </summary>
internal sealed class TunnelTable(BpfMap map, ILogger logger)
{
    private readonly BpfArrayMap<uint> _rows = new(map);
    private uint[] _held = [];

    /// <summary>
    /// Follows the node. A program that reads it meanwhile takes a device for one that it is not, at the worst, and is told by
    /// the kernel that no such route leads there.
    /// </summary>
    public void Write(NodeNetwork network)
    {
        uint[] tunnels = [.. network.Devices.Where(device => device.EndsByRoute).Select(device => (uint)device.Index)];
        if (_held.AsSpan().SequenceEqual(tunnels))
        {
            return;
        }

        if (tunnels.Length > _rows.Length)
        {
            Log.TunnelsLeftOut(logger, tunnels.Length - _rows.Length);
        }

        for (int i = 0; i < _rows.Length; i++)
        {
            _rows[i] = i < tunnels.Length ? tunnels[i] : 0;
        }

        _held = tunnels;
    }
}
