using EbpfProxy.Model.Devices;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Devices;

/// <summary>
/// Which devices have the programs: those that are selected. Where the operator names devices and the node has none of
/// them, those that have the programs already: a name that is mistyped in a new configuration does not take away what
/// the one before served.
/// </summary>
/// <param name="selection">What the operator wants.</param>
/// <param name="readHeld">The indexes of the devices that have programs of an earlier run.</param>
/// <param name="logger">Hears once of each time that there is none, and when there is one of those that were missed.</param>
internal sealed class DeviceChoice(DeviceSelection selection, Func<IEnumerable<int>> readHeld, ILogger logger)
{
    private HashSet<int>? _held;
    private bool _isWithout;
    private bool _isUnmatched;

    /// <summary>
    /// The patterns of which none matches a device of the node; empty while one does, once it has its programs or refuses them
    /// (<see cref="Confirm"/>). May be read from any thread.
    /// </summary>
    public IReadOnlyList<string> Unmatched { get; private set; } = [];

    /// <summary>The devices of the node that have the programs, or get them.</summary>
    public IReadOnlyList<NodeDevice> Of(NodeNetwork network)
    {
        NodeDevice[] chosen = [.. network.Devices.Where(selection.Includes)];
        bool isUnmatched = chosen.Length == 0 && selection.Wanted.Length > 0;
        if (isUnmatched)
        {
            _held ??= [.. readHeld()];
            chosen = [.. network.Devices.Where(device => _held.Contains(device.Index) && DeviceSelection.HeaderOf(device) is not null)];
        }

        _held = chosen.Length > 0 || isUnmatched ? [.. chosen.Select(device => device.Index)] : _held;
        Report(network, chosen, isUnmatched);
        return chosen;
    }

    /// <summary>Says that the programs are where <see cref="Of"/> said last, and nowhere else.</summary>
    public void Confirm() => Unmatched = _isUnmatched ? selection.Wanted : [];

    private void Report(NodeNetwork network, NodeDevice[] chosen, bool isUnmatched)
    {
        bool isWithout = isUnmatched || chosen.Length == 0;
        if (isWithout && !_isWithout && isUnmatched)
        {
            Log.DevicesUnmatched(logger, string.Join(", ", selection.Wanted), NamesOf(network.Devices), chosen.Length == 0 ? "none" : NamesOf(chosen));
        }
        else if (isWithout && !_isWithout)
        {
            Log.NoDevices(logger);
        }
        else if (!isUnmatched && _isUnmatched)
        {
            Log.DevicesMatched(logger, string.Join(", ", selection.Wanted), NamesOf(chosen));
        }

        _isWithout = isWithout;
        _isUnmatched = isUnmatched;
        Unmatched = isUnmatched ? selection.Wanted : Unmatched;
    }

    private static string NamesOf(IEnumerable<NodeDevice> devices) => string.Join(", ", devices.Select(device => device.Name));
}
