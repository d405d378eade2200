using EbpfProxy.Model.Devices;

namespace EbpfProxy.Datapath.Affinity;

/// <summary>
/// When to look for clients: after links of the node changed, as they do with every pod, and now and then, since what
/// changes inside a namespace is told nobody outside.
/// </summary>
internal sealed class ClientWatch(ClientTable clients, TimeProvider time)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(15);

    /// <summary>A pod's link comes before its addresses: after a change a second look follows the first.</summary>
    private static readonly TimeSpan _secondLook = TimeSpan.FromSeconds(3);

    private NodeNetwork? _network;
    private volatile bool _isDue = true;
    private TimeSpan _wait;
    private long _looked;

    /// <summary>Says what devices there are; safe beside <see cref="Step"/>.</summary>
    public void SetNetwork(NodeNetwork network)
    {
        _isDue |= _network is null || !network.Devices.SequenceEqual(_network.Devices);
        _network = network;
    }

    /// <summary>To be called every second.</summary>
    public void Step()
    {
        bool isAfterChange = _isDue;
        if (!isAfterChange && time.GetElapsedTime(_looked) < _wait)
        {
            return;
        }

        _isDue = false;
        clients.Update();
        _looked = time.GetTimestamp();
        _wait = isAfterChange ? _secondLook : _interval;
    }
}
