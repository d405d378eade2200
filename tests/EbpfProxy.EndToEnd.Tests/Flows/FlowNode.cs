using System.Globalization;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Flows;

/// <summary>
/// A case of the flow tables on real devices: a node with the case's addresses that runs the proxy, a pod on a route of its own
/// for each local endpoint and each pod that asks, a machine for each endpoint elsewhere and one for all clients outside.
/// </summary>
internal sealed class FlowNode : IDisposable
{
    /// <summary>The node and the machines have addresses on the network between them, beside those of the case.</summary>
    private const int NodeNumber = 1;
    private const int FirstMachine = 100;

    private readonly ScratchNetworkNamespace _fabric = new();
    private readonly TestNode _node = new(NodeNumber, new ClusterShape { PodLinks = PodLinks.Routed });
    private readonly List<Machine> _machines = [];
    private readonly Dictionary<Address, Pod> _pods = [];
    private readonly FlowCase _flows;
    private readonly string[] _ports;
    private readonly NodeProxy? _proxy;

    public FlowNode(FlowCase flows)
    {
        _flows = flows;
        _ports = [.. flows.Slices.SelectMany(slice => slice.Ports).Select(port => (int)port.Port).Concat(flows.Rows.Select(row => row.Destination.Port)).Distinct().Select(port => $"{port}")];
        try
        {
            NetworkSetUp.Join(_fabric.Name, _node.Network.Name, NodeNumber);
            SetUpNode();
            SetUpPods();
            SetUpMachines();
            _node.Manifests.WriteText("case", FlowManifest.Write(flows, _node.Name));
            _proxy = _node.StartProxy([.. Flags()]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>
    /// Where a row's client is: with sockets that the programs see, or with packets only; null where it is in no such place.
    /// Packets of the node to its own addresses stay on loopback, which has no programs: there is no asking by packet what is
    /// the node's, nor from a load balancer's address as long as nobody has put it on a device of the node. A pod's socket is known
    /// for one whatever the prefixes say: where those tell no pods, the rows say what becomes of packets.
    /// </summary>
    public Place? PlaceOf(FlowRow row, bool bySocket) => (row.Place, bySocket) switch
    {
        (ClientPlace.LocalPod, true) when !_flows.Rules.TellsLocalPodsOf(row.Client.Family) => null,
        (ClientPlace.LocalPod, true) => _pods[row.Client].Place,
        (ClientPlace.LocalPod, false) => _pods[row.Client].Sandbox,
        (ClientPlace.Node, _) when !IsOfNode(row.Client.ToString()) => null,
        (ClientPlace.Node, true) => _node.Host,
        (ClientPlace.Node, false) => IsOfNode(row.Destination.Address.ToString()) ? null : _node.HiddenHost,
        (_, true) => null,
        (_, false) => _machines[0].Place,
    };

    /// <summary>Whether an address is one of the node's.</summary>
    public bool IsOfNode(string address) =>
        address == _node.IPv4 || address == _node.IPv6 || NodeAddresses().Any(each => each.ToString() == address);

    public void Dispose()
    {
        _node.Dispose();
        foreach (var machine in _machines)
        {
            machine.Dispose();
        }

        _fabric.Dispose();
        _proxy?.Dispose();
    }

    private IEnumerable<Address> NodeAddresses() => _flows.NodeAddresses.Concat(_flows.OtherAddresses);

    private IEnumerable<string> Flags()
    {
        yield return "--manifests";
        yield return _node.Manifests.Path;
        yield return "--node-ip";
        yield return string.Join(',', _flows.NodeAddresses.GroupBy(address => address.Family).Select(group => group.First()));
        yield return "--nodeport-addresses";
        yield return string.Join(',', _flows.NodeAddresses.Select(address => $"{address}/{(address.Family == IpFamily.IPv4 ? 32 : 128)}"));
        if (_flows.Pods.Length > 0)
        {
            yield return "--cluster-cidr";
            yield return string.Join(',', _flows.Pods);
        }

        if (_flows.MasqueradesAll)
        {
            yield return "--masquerade-all";
        }
    }

    private void SetUpNode()
    {
        foreach (var address in NodeAddresses())
        {
            AddAddress(_node.Network, address, _flows.NodeAddresses.Contains(address) ? "uplink" : "lo");
        }

        // What belongs to nobody leaves the node.
        Shell.Require(
            "ip -n \"$1\" route add default via 192.168.77.100 && ip -n \"$1\" route add default via fd00:77::64", _node.Network.Name);
        _node.HiddenHost.Serve("node", _ports);
    }

    private void SetUpPods()
    {
        var local = _flows.Slices.SelectMany(slice => slice.Endpoints).Where(endpoint => endpoint.IsLocal).Select(endpoint => endpoint.Address);
        foreach (var address in local.Concat(_flows.Rows.Where(row => row.Place == ClientPlace.LocalPod).Select(row => row.Client)).Distinct())
        {
            int number = _pods.Count + 1;
            var pod = address.Family == IpFamily.IPv4
                ? _node.AddPod($"pod{number}", address.ToString(), $"fd00:99::{number}")
                : _node.AddPod($"pod{number}", $"10.99.0.{number}", address.ToString());
            _pods.Add(address, pod);
            pod.Place.Serve(address.ToString(), _ports);
        }
    }

    private void SetUpMachines()
    {
        AddMachine([.. _flows.Rows.Where(row => row.Place == ClientPlace.Elsewhere).Select(row => row.Client).Distinct()]);
        var remote = _flows.Slices.SelectMany(slice => slice.Endpoints).Where(endpoint => !endpoint.IsLocal).Select(endpoint => endpoint.Address);
        var untouched = _flows.Rows.Where(row => row.Outcome == FlowOutcome.Untouched).Select(row => Address.From(row.Destination.Address));
        foreach (var address in remote.Concat(untouched).Where(address => !_pods.ContainsKey(address) && !NodeAddresses().Contains(address)).Distinct())
        {
            AddMachine(address).Serve(address.ToString(), _ports);
        }
    }

    /// <summary>A machine that has these addresses, and sends everything by the node.</summary>
    private Place AddMachine(params Address[] addresses)
    {
        int number = FirstMachine + _machines.Count;
        var machine = new Machine($"machine{number}");
        _machines.Add(machine);
        NetworkSetUp.Join(_fabric.Name, machine.Network.Name, number);
        Shell.Require(
            "ip -n \"$1\" route add default via \"$2\" && ip -n \"$1\" route add default via \"$3\"", machine.Network.Name, _node.IPv4, _node.IPv6);
        foreach (var address in addresses)
        {
            AddAddress(machine.Network, address, "lo");
            string gateway = address.Family == IpFamily.IPv4 ? $"192.168.77.{number}" : $"fd00:77::{number:x}";
            Shell.Require("ip -n \"$1\" route add \"$2\" via \"$3\"", _node.Network.Name, address.ToString(), gateway);
        }

        return machine.Place;
    }

    private static void AddAddress(ScratchNetworkNamespace network, Address address, string device) => Shell.Require(
        "ip -n \"$1\" addr add \"$2\" dev \"$3\" $4",
        network.Name,
        string.Create(CultureInfo.InvariantCulture, $"{address}/{(address.Family == IpFamily.IPv4 ? 32 : 128)}"),
        device,
        address.Family == IpFamily.IPv4 ? "" : "nodad");
}
