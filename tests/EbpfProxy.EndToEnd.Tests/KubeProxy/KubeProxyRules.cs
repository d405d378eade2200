using System.Text.RegularExpressions;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.KubeProxy;

/// <summary>
/// Rules in the shape that kube-proxy gives them, for one service of a family over one backend, among rules of others: a CNI's, the
/// kubelet's, an administrator's, some of them in the same tables and before or behind its own.
/// </summary>
internal sealed partial class KubeProxyRules(string network, KubeProxyMode mode, int family)
{
    private static readonly string[] _protocols = ["tcp", "udp"];

    private string Pods => family == 4 ? "10.244.0.0/16" : "fd00:10:244::/48";

    private string Tool => family == 4 ? "iptables" : "ip6tables";

    private string NftFamily => family == 4 ? "ip" : "ip6";

    private string AddressType => family == 4 ? "ipv4_addr" : "ipv6_addr";

    private string ServiceRange => family == 4 ? "10.96.0.0/16" : "fd00:96::/112";

    private string Multi => mode == KubeProxyMode.IptablesLegacy ? "xtables-legacy-multi" : "xtables-nft-multi";

    /// <summary>The rules of others.</summary>
    public void LoadForeign()
    {
        if (mode == KubeProxyMode.Nftables)
        {
            Nft(
                $$"""
                table {{NftFamily}} administrator {
                  chain input { type filter hook input priority 0; tcp dport 9999 counter accept; }
                }
                """);
            return;
        }

        Restore(
            $"""
            *nat
            :CNI-HOSTPORT - [0:0]
            :KUBE-KUBELET-CANARY - [0:0]
            -A PREROUTING -p tcp --dport 9999 -m comment --comment "the administrator's own" -j ACCEPT
            -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT
            -A OUTPUT -p udp --dport 9998
            -A POSTROUTING -s {Pods} ! -d {Pods} -m comment --comment "flannel masq" -j MASQUERADE --random-fully
            -A CNI-HOSTPORT -p tcp --dport 8443 -j REDIRECT --to-ports 443
            COMMIT
            *filter
            :KUBE-FIREWALL - [0:0]
            :KUBE-KUBELET-CANARY - [0:0]
            :DOCKER-USER - [0:0]
            -A INPUT -j KUBE-FIREWALL
            -A FORWARD -j DOCKER-USER
            -A FORWARD -s {Pods} -j ACCEPT
            -A FORWARD -d {Pods} -j ACCEPT
            -A OUTPUT -j KUBE-FIREWALL
            -A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP
            -A DOCKER-USER -j RETURN
            COMMIT
            *mangle
            :KUBE-KUBELET-CANARY - [0:0]
            COMMIT
            """);
    }

    /// <summary>What kube-proxy makes in mode iptables before its first sync.</summary>
    public void Begin() => Restore(
        """
        *nat
        :KUBE-SERVICES - [0:0]
        :KUBE-PROXY-CANARY - [0:0]
        -I PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -I OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        COMMIT
        """);

    /// <summary>kube-proxy's, as its sync leaves them.</summary>
    public void Load(string service, int port, string backend, int targetPort)
    {
        if (mode == KubeProxyMode.Nftables)
        {
            Nft(Tables(service, port, backend, targetPort));
            return;
        }

        string rules = string.Concat(_protocols.Select(protocol =>
            $"""
            :KUBE-SVC-{protocol.ToUpperInvariant()} - [0:0]
            :KUBE-SEP-{protocol.ToUpperInvariant()} - [0:0]
            -A KUBE-SERVICES -d {service} -p {protocol} -m comment --comment "default/moved:{protocol} cluster IP" -m {protocol} --dport {port} -j KUBE-SVC-{protocol.ToUpperInvariant()}
            -A KUBE-SVC-{protocol.ToUpperInvariant()} ! -s {Pods} -d {service} -p {protocol} -m {protocol} --dport {port} -j KUBE-MARK-MASQ
            -A KUBE-SVC-{protocol.ToUpperInvariant()} -m comment --comment "default/moved:{protocol} -> {backend}" -j KUBE-SEP-{protocol.ToUpperInvariant()}
            -A KUBE-SEP-{protocol.ToUpperInvariant()} -s {backend} -j KUBE-MARK-MASQ
            -A KUBE-SEP-{protocol.ToUpperInvariant()} -p {protocol} -m {protocol} -j DNAT --to-destination {(family == 4 ? backend : $"[{backend}]")}:{targetPort}

            """));
        Restore(
            $"""
            *nat
            :KUBE-SERVICES - [0:0]
            :KUBE-NODEPORTS - [0:0]
            :KUBE-POSTROUTING - [0:0]
            :KUBE-MARK-MASQ - [0:0]
            :KUBE-PROXY-CANARY - [0:0]
            -I PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -I OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -I POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
            -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
            -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
            -A KUBE-POSTROUTING -j MASQUERADE --random-fully
            -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
            {rules}
            -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
            COMMIT
            *filter
            :KUBE-SERVICES - [0:0]
            :KUBE-EXTERNAL-SERVICES - [0:0]
            :KUBE-FORWARD - [0:0]
            :KUBE-NODEPORTS - [0:0]
            :KUBE-PROXY-FIREWALL - [0:0]
            :KUBE-PROXY-CANARY - [0:0]
            -I INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
            -I INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
            -I INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
            -I FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
            -I FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
            -I FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -I OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
            -A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
            -A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
            COMMIT
            *mangle
            :KUBE-PROXY-CANARY - [0:0]
            COMMIT
            """);
    }

    /// <summary>All rules of the network namespace, without what counts packets or tells the time.</summary>
    public string Save() => mode == KubeProxyMode.Nftables
        ? Counters().Replace(Run("nft -s list ruleset", ""), "")
        : Counters().Replace(Run($"{Multi} {Tool}-save", ""), "");

    /// <summary>Whether rules lead to the service still.</summary>
    public bool AreThere => Save().Contains(mode == KubeProxyMode.Nftables ? "table " + NftFamily + " kube-proxy" : "KUBE-SVC-", StringComparison.Ordinal);

    /// <summary>
    /// The form of 1.36: a service leads to its endpoints in one rule, the set of hairpins decides who is masqueraded on the way to itself, and
    /// only services with affinity have a chain for each endpoint, as all had before.
    /// </summary>
    private string Tables(string service, int port, string backend, int targetPort) =>
        $$"""
        table {{NftFamily}} kube-proxy {
          comment "rules for kube-proxy"
          set cluster-ips { type {{AddressType}}; comment "Active ClusterIPs"; elements = { {{service}} } }
          set nodeport-ips { type {{AddressType}}; comment "IPs that accept NodePort traffic"; }
          set hairpin-connections {
            type {{AddressType}} . {{AddressType}} . inet_proto . inet_service
            comment "service hairpin connections"
            elements = { {{backend}} . {{backend}} . tcp . {{targetPort}}, {{backend}} . {{backend}} . udp . {{targetPort}} }
          }
          set affinity-moved-kept { type {{AddressType}}; flags dynamic,timeout; timeout 3h; }
          map firewall-ips { type {{AddressType}} . inet_proto . inet_service : verdict; }
          map no-endpoint-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . 30999 : drop } }
          map no-endpoint-services {
            type {{AddressType}} . inet_proto . inet_service : verdict
            elements = { {{service}} . tcp . 65535 : goto reject-chain }
          }
          map service-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . 30998 : goto external-kept } }
          map service-ips {
            type {{AddressType}} . inet_proto . inet_service : verdict
            elements = { {{service}} . tcp . {{port}} : goto service-moved-tcp, {{service}} . udp . {{port}} : goto service-moved-udp }
          }
          chain reject-chain { reject; }
          chain masquerading {
            meta mark & 0x4000 != 0 meta mark set meta mark ^ 0x4000 masquerade fully-random
            ct status dnat {{NftFamily}} saddr . {{NftFamily}} daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
          }
          chain service-moved-tcp { meta l4proto tcp dnat to {{Target(backend)}}:{{targetPort}}; }
          chain service-moved-udp {
            meta l4proto udp dnat {{NftFamily}} addr . port to numgen random mod 2 map { 0 : {{backend}} . {{targetPort}}, 1 : {{backend}} . {{targetPort}} }
          }
          chain endpoint-kept {
            update @affinity-moved-kept { {{NftFamily}} saddr }
            meta l4proto tcp dnat to {{Target(backend)}}:{{targetPort}}
          }
          chain service-kept {
            {{NftFamily}} saddr @affinity-moved-kept goto endpoint-kept
            numgen random mod 1 vmap { 0 : goto endpoint-kept }
          }
          chain external-kept {
            {{NftFamily}} saddr {{Pods}} goto service-kept comment "short-circuit pod traffic"
            fib saddr type local meta mark set meta mark | 0x4000 comment "masquerade local traffic"
            fib saddr type local goto service-kept comment "short-circuit local traffic"
          }
          chain services {
            {{NftFamily}} daddr @cluster-ips {{NftFamily}} saddr != {{Pods}} meta mark set meta mark | 0x4000
            {{NftFamily}} daddr . meta l4proto . th dport vmap @service-ips
            {{NftFamily}} daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
          }
          chain firewall-check { {{NftFamily}} daddr . meta l4proto . th dport vmap @firewall-ips; }
          chain service-endpoints-check { {{NftFamily}} daddr . meta l4proto . th dport vmap @no-endpoint-services; }
          chain nodeport-endpoints-check { {{NftFamily}} daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports; }
          chain cluster-ips-check {
            {{NftFamily}} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
            {{NftFamily}} daddr { {{ServiceRange}} } drop comment "Drop traffic to unallocated ClusterIPs"
          }
          chain filter-prerouting-pre-dnat { type filter hook prerouting priority -110; ct state new jump firewall-check; }
          chain filter-output-pre-dnat { type filter hook output priority -110; ct state new jump firewall-check; }
          chain filter-input {
            type filter hook input priority 0
            ct state new jump nodeport-endpoints-check
            ct state new jump service-endpoints-check
          }
          chain filter-forward {
            type filter hook forward priority 0
            ct state new jump service-endpoints-check
            ct state new jump cluster-ips-check
          }
          chain filter-output {
            type filter hook output priority 0
            ct state new jump service-endpoints-check
            ct state new jump cluster-ips-check
          }
          chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
          chain nat-output { type nat hook output priority -100; jump services; }
          chain nat-postrouting { type nat hook postrouting priority srcnat; jump masquerading; }
        }
        """;

    private string Target(string backend) => family == 4 ? backend : $"[{backend}]";

    private void Nft(string rules) => Run("nft -f -", rules);

    // The chains of kube-proxy's are named before rules, whatever order the text has.
    private void Restore(string rules) => Run($"{Multi} {Tool}-restore --noflush", string.Join('\n', rules.Split('\n')
        .Select(line => line.Trim())
        .Where(line => line.Length > 0)
        .Aggregate(
            (Done: new List<string>(), Chains: new List<string>(), Rules: new List<string>()),
            (text, line) =>
            {
                (line.StartsWith('*') ? text.Done : line.StartsWith(':') ? text.Chains : text.Rules).Add(line);
                if (line == "COMMIT")
                {
                    text.Done.AddRange([.. text.Chains, .. text.Rules]);
                    text.Chains.Clear();
                    text.Rules.Clear();
                }

                return text;
            }).Done) + "\n");

    private string Run(string command, string input) =>
        Shell.Require($"nsenter --net=\"/run/netns/$1\" {command} <<< \"$2\"", network, input);

    [GeneratedRegex(@"^#.*\n|\[\d+:\d+\]| counter packets \d+ bytes \d+", RegexOptions.Multiline)]
    private static partial Regex Counters();
}
