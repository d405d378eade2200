using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>
/// A node on this machine: a network namespace with a bridge for its pods, a part of the cgroup tree, a BPF file system
/// and a folder of manifests. Its proxy and the processes of its pods all run below it, and go with it.
/// </summary>
public sealed class TestNode : IDisposable
{
    private readonly CgroupTree _cgroups = new();
    private readonly CgroupTree _hidden = new();
    private readonly ScratchNetworkNamespace _network = new();
    private readonly ScratchBpffs _bpffs = new();
    private readonly List<Pod> _pods = [];
    private readonly ClusterShape _shape;

    /// <param name="number">Below 255, and another for each node of a cluster: its pods are in 10.244.number.0/24.</param>
    /// <param name="shape">What it is like; null for a bridge and nothing else.</param>
    public TestNode(int number = 1, ClusterShape? shape = null)
    {
        _shape = shape ?? new ClusterShape();
        Number = number;
        Name = $"node-{number}";
        Manifests = new ManifestDirectory();
        Host = new Place(_cgroups.AddChild("host"), _network.Path);
        HiddenHost = new Place(_hidden.AddChild("host"), _network.Path);
        NetworkSetUp.MakeNode(_network.Name, number, _shape);
    }

    public int Number { get; }

    public string Name { get; }

    /// <summary>The binary that the next proxy is started from.</summary>
    public string Binary { get; set; } = ProxyBinary.Path;

    /// <summary>What the proxy follows.</summary>
    public ManifestDirectory Manifests { get; }

    /// <summary>A process of the node itself.</summary>
    public Place Host { get; }

    /// <summary>A process of the node whose sockets no program sees, as if they were there before the proxy was.</summary>
    public Place HiddenHost { get; }

    /// <summary>The node's addresses on the network between the nodes.</summary>
    public string IPv4 => $"192.168.77.{Number}";

    /// <inheritdoc cref="IPv4"/>
    public string IPv6 => $"fd00:77::{Number:x}";

    public ScratchNetworkNamespace Network => _network;

    public string CgroupRoot => _cgroups.Path;

    public string BpfFileSystem => _bpffs.Path;

    /// <summary>A pod with the addresses 10.244.node.host and fd00:10:244:node::host.</summary>
    public Pod AddPod(string name)
    {
        int host = 10 + _pods.Count;
        return AddPod(name, $"10.244.{Number}.{host}", $"fd00:10:244:{Number}::{host:x}");
    }

    /// <summary>A pod with other addresses, where pods are on routes of their own.</summary>
    public Pod AddPod(string name, string ipv4, string ipv6)
    {
        int host = 10 + _pods.Count;
        var pod = new Pod(name, _cgroups.AddChild(name), _hidden.AddChild(name), ipv4, ipv6);
        NetworkSetUp.MakePod(_network.Name, Number, pod, host, _shape.PodLinks);
        _pods.Add(pod);
        return pod;
    }

    /// <summary>Passes only packets of this size or less on to a pod of this node, whatever the pod itself believes.</summary>
    public void NarrowPathTo(Pod pod, int mtu) => Shell.Require(
        "ip -n \"$1\" route add \"$2/32\" dev br0 mtu lock \"$4\" && ip -n \"$1\" route add \"$3/128\" dev br0 mtu lock \"$4\"",
        Network.Name,
        pod.IPv4,
        pod.IPv6,
        $"{mtu}");

    /// <summary>Masks one pod wherever it goes, as a CNI does on the way to what is no pod.</summary>
    public void MasqueradePod(Pod pod) => NodeFirewall.Load(
        Network.Name,
        $$"""
        table ip pod-masquerade {
          chain postrouting {
            type nat hook postrouting priority srcnat;
            ip saddr {{pod.IPv4}} masquerade fully-random
          }
        }
        """);

    /// <summary>Masks one pod wherever it goes, with a port that a CNI might choose by chance.</summary>
    public void MasqueradePodWith(Pod pod, int port) => NodeFirewall.Load(
        Network.Name,
        $$"""
        table inet pod-masquerade {
          chain postrouting {
            type nat hook postrouting priority srcnat - 1;
            ip saddr {{pod.IPv4}} meta l4proto { tcp, udp } masquerade to :{{port}}
            ip6 saddr {{pod.IPv6}} meta l4proto { tcp, udp } masquerade to :{{port}}
          }
        }
        """);

    /// <summary>Gives a port of the node to a pod, as a CNI does for a hostPort.</summary>
    public void AddHostPort(int port, Pod pod, int targetPort) => NodeFirewall.Load(
        Network.Name,
        $$"""
        table inet host-port {
          chain prerouting {
            type nat hook prerouting priority dstnat;
            fib daddr type local meta nfproto ipv4 tcp dport {{port}} dnat ip to {{pod.IPv4}}:{{targetPort}}
            fib daddr type local meta nfproto ipv6 tcp dport {{port}} dnat ip6 to [{{pod.IPv6}}]:{{targetPort}}
          }
        }
        """);

    /// <summary>Sends what is for an address and port to a pod, as rules of kube-proxy do.</summary>
    public void TranslateAsKubeProxy(string protocol, string address, int port, string pod, int targetPort)
    {
        string family = address.Contains(':', StringComparison.Ordinal) ? "ip6" : "ip";
        string target = family == "ip6" ? $"[{pod}]" : pod;
        NodeFirewall.Load(
            Network.Name,
            $$"""
            table inet as-kube-proxy {
              chain prerouting {
                type nat hook prerouting priority dstnat;
                {{family}} daddr {{address}} {{protocol}} dport {{port}} dnat {{family}} to {{target}}:{{targetPort}}
              }
            }
            """);
    }

    /// <summary>Takes these rules away. What connection tracking remembers goes on, where other rules keep it going.</summary>
    public void RemoveKubeProxy() => Shell.Require("nsenter --net=\"/run/netns/$1\" nft delete table inet as-kube-proxy", Network.Name);

    /// <summary>The programs on devices, a line each, in any order that stays the same; empty where there is none.</summary>
    public string AttachedPrograms() => string.Join(
        '\n',
        Shell.Require("nsenter --net=\"$1\" bpftool net | grep -E '(tcx|clsact)/(in|e)gress' | sed 's/ prog_id.*//; s/ id [0-9].*//'; true", Network.Path)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Order(StringComparer.Ordinal));

    /// <summary>The ids of the programs on devices, which tell one load of a program from the next.</summary>
    public string ProgramIds() => Shell.Require(
        "nsenter --net=\"$1\" bpftool net | grep -E '(tcx|clsact)/(in|e)gress' | grep -oE '(prog_id| id) [0-9]+' | sort -u", Network.Path);

    /// <summary>Takes all programs off a device, as somebody might who does not know whose they are.</summary>
    public void DetachPrograms(string device) => Shell.Require(
        // Not by the list of links: that has those of devices of other nodes too, which may have the same index.
        """
        nsenter --net="$1" bpftool net | grep "^$2(" | grep -oE 'link_id [0-9]+' | cut -d' ' -f2 |
          while read -r id; do nsenter --net="$1" bpftool link detach id "$id"; done
        """,
        Network.Path,
        device);

    /// <summary>The proxy, ready.</summary>
    public NodeProxy StartProxy() => StartProxy("--manifests", Manifests.Path);

    /// <summary>The proxy with another source of objects, ready.</summary>
    public NodeProxy StartProxy(params string[] source)
    {
        var proxy = new NodeProxy(this, source);
        try
        {
            proxy.WaitUntilReady();
            return proxy;
        }
        catch
        {
            proxy.Dispose();
            throw;
        }
    }

    /// <summary>A command of the binary that looks at this node's tables.</summary>
    public ShellResult Command(params string[] words) => Host.Run([ProxyBinary.Path, .. words, "--bpffs", BpfFileSystem]);

    public void Dispose()
    {
        _cgroups.Dispose();
        _hidden.Dispose();
        foreach (var pod in _pods)
        {
            pod.Dispose();
        }

        _network.Dispose();
        _bpffs.Dispose();
        Manifests.Dispose();
    }
}
