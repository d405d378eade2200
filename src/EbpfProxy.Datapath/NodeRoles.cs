using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath;

/// <summary>Keeps the table of addresses right about the node's own: which a device holds, and which accept node ports.</summary>
internal sealed class NodeRoles(DatapathOptions options)
{
    private HashSet<(Address Address, AddressRole Role)> _held = [];
    private IReadOnlyList<Address> _ofNodeObject = [];
    private volatile IReadOnlySet<Address> _listenOn = new HashSet<Address>();

    /// <summary>Where servers of node ports listen; another set only where it has changed. May be asked from any thread.</summary>
    public IReadOnlySet<Address> ListenOn => _listenOn;

    /// <summary>Takes the addresses of the Node object, as long as there is one: those of a node that went are kept.</summary>
    public void SetNode(ClusterNode? node, NodeNetwork network, ServiceWriter? writer)
    {
        if (node is not null && !node.Addresses.SequenceEqual(_ofNodeObject))
        {
            _ofNodeObject = node.Addresses;
            Update(network, writer);
        }
    }

    /// <param name="network">What the node has.</param>
    /// <param name="writer">What writes the difference; null while nothing is written yet.</param>
    public void Update(NodeNetwork network, ServiceWriter? writer)
    {
        // Held before they are written: where a write fails, the next writer finds them all the same.
        var before = _held;
        _held = RolesOf(network);
        if (writer is null)
        {
            return;
        }

        foreach (var (address, role) in before.Except(_held))
        {
            writer.RemoveNodeRole(address, role);
        }

        foreach (var (address, role) in _held.Except(before))
        {
            writer.AddNodeRole(address, role);
        }
    }

    /// <summary>Counts the roles without a write, before a writer makes its first.</summary>
    public void Adopt(ServiceWriter writer)
    {
        foreach (var (address, role) in _held)
        {
            writer.AdoptNodeRole(address, role);
        }
    }

    private HashSet<(Address Address, AddressRole Role)> RolesOf(NodeNetwork network)
    {
        var nodeIPs = NodeIPs.Detect(options.NodeIPs.Count > 0 ? options.NodeIPs : _ofNodeObject, options.BindAddress, network);
        var listenOn = options.NodePorts.ListenOn(network, nodeIPs);
        if (!listenOn.SetEquals(_listenOn))
        {
            _listenOn = listenOn;
        }

        return
        [
            .. network.LocalAddresses.Select(local => (local.Address, AddressRole.OnDevice)),
            .. options.NodePorts.Select(network, nodeIPs).Select(address => (address, AddressRole.Node)),
        ];
    }
}
