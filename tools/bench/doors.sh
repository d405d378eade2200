#!/bin/sh
# The services that packets from outside are measured with: node ports of 10.1.0.1, one endpoint each.
#   doors.sh manifests         as Kubernetes has them
#   doors.sh nftables          as kube-proxy's nftables mode has them, to be added to cluster.sh's rules
#   doors.sh iptables COUNT    as its iptables mode has them, among so many services that nobody asks, for iptables-restore
set -eu

# Name, node port, cluster IP, endpoint, externalTrafficPolicy. Under policy Cluster the client is masked, under Local kept.
doors() {
  cat <<'DOORS'
masked 30080 10.96.0.1 10.2.0.2 Cluster
kept 30081 10.96.0.2 10.2.0.2 Local
far 30082 10.96.0.3 10.4.0.2 Cluster
DOORS
}

manifests() {
  doors | while read -r name port ip endpoint policy; do
    node=bench
    [ "$name" != far ] || node=other
    cat <<YAML
---
apiVersion: v1
kind: Service
metadata: {namespace: doors, name: $name}
spec:
  type: NodePort
  externalTrafficPolicy: $policy
  clusterIP: $ip
  clusterIPs: [$ip]
  ports: [{name: web, port: 80, targetPort: 8080, nodePort: $port}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {namespace: doors, name: $name-1, labels: {kubernetes.io/service-name: $name}}
addressType: IPv4
ports: [{name: web, port: 8080}]
endpoints:
- {addresses: [$endpoint], nodeName: $node, conditions: {ready: true}}
YAML
  done
}

nftables() {
  echo "table ip kube-proxy {"
  doors | while read -r name port ip endpoint policy; do
    cat <<RULES
  chain endpoint-$name {
    ip saddr $endpoint jump mark-for-masquerade
    meta l4proto tcp dnat to $endpoint:8080
  }
  chain service-$name {
    ip daddr $ip tcp dport 80 ip saddr != 10.2.0.0/16 jump mark-for-masquerade
    numgen random mod 1 vmap { 0 : goto endpoint-$name }
  }
  chain external-$name {
RULES
    if [ "$policy" = Local ]; then
      echo "    ip saddr 10.2.0.0/16 goto service-$name"
      echo "    fib saddr type local jump mark-for-masquerade"
      echo "    fib saddr type local goto service-$name"
      echo "    numgen random mod 1 vmap { 0 : goto endpoint-$name }"
    else
      echo "    jump mark-for-masquerade"
      echo "    goto service-$name"
    fi
    echo "  }"
  done
  echo "}"
  doors | while read -r name port ip _; do
    echo "add element ip kube-proxy cluster-ips { $ip }"
    echo "add element ip kube-proxy service-ips { $ip . tcp . 80 : goto service-$name }"
    echo "add element ip kube-proxy service-nodeports { tcp . $port : goto external-$name }"
  done
}

iptables() {
  count=$1
  cat <<'RULES'
*filter
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-FORWARD - [0:0]
-A INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
-A INPUT -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
-A FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
-A FORWARD -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
RULES
  { doors; crowd "$count"; } | awk '{
    print ":KUBE-SVC-" $1 " - [0:0]\n:KUBE-SEP-" $1 " - [0:0]"
    print "-A KUBE-SERVICES -d " $3 "/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-" $1
    print "-A KUBE-SVC-" $1 " ! -s 10.2.0.0/16 -d " $3 "/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ"
    print "-A KUBE-SVC-" $1 " -j KUBE-SEP-" $1
    print "-A KUBE-SEP-" $1 " -s " $4 "/32 -j KUBE-MARK-MASQ"
    print "-A KUBE-SEP-" $1 " -p tcp -m tcp -j DNAT --to-destination " $4 ":8080"
    if ($2 == "none") next
    print ":KUBE-EXT-" $1 " - [0:0]"
    print "-A KUBE-NODEPORTS -p tcp -m tcp --dport " $2 " -j KUBE-EXT-" $1
    if ($5 == "Local") {
      print "-A KUBE-EXT-" $1 " -s 10.2.0.0/16 -j KUBE-SVC-" $1
      print "-A KUBE-EXT-" $1 " -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ"
      print "-A KUBE-EXT-" $1 " -m addrtype --src-type LOCAL -j KUBE-SVC-" $1
      print "-A KUBE-EXT-" $1 " -j KUBE-SEP-" $1
    } else {
      print "-A KUBE-EXT-" $1 " -j KUBE-MARK-MASQ"
      print "-A KUBE-EXT-" $1 " -j KUBE-SVC-" $1
    }
  }'
  # Node ports come after all cluster IPs.
  echo "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"
  echo "COMMIT"
}

# Services without a node port.
crowd() {
  awk -v count="$1" 'BEGIN {
    for (i = 0; i < count; i++) {
      n = i + 5000
      printf "s%d none 10.96.%d.%d 10.3.%d.%d Cluster\n", i, n / 256, n % 256, i / 250, i % 250 + 1
    }
  }'
}

"$@"
