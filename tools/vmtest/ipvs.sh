#!/bin/sh
# Runs in a guest, beside ebpf-proxy and probe: what kube-proxy has in IPVS is found and removed, and what is another's stays. Here
# because the kernel of the machine may have no IPVS.
set -eu

[ "$PWD" = /payload ] || {
  echo "ipvs.sh: only in a guest, whose network it changes: tools/vmtest/check.sh" >&2
  exit 2
}

# shellcheck source=tools/vmtest/node.sh
. ./node.sh

takeover() {
  ./ebpf-proxy takeover "$@" > /tmp/takeover 2>&1
}

tells() {
  grep -q -e "$1" /tmp/takeover || {
    cat /tmp/takeover
    fail "takeover tells \"$1\""
  }
}

mkdir "$manifests" /sys/fs/cgroup/node
ip link set lo up
ip link add uplink type veth peer name far
ip addr add 192.168.77.1/24 dev uplink
ip link set uplink up
ip link set far up
pod pod 1
ip netns exec pod ./probe serve pod 8080 &
cat > "$manifests/service.yaml" <<YAML
apiVersion: v1
kind: Service
metadata: { name: moved, namespace: default }
spec:
  type: NodePort
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  ports: [{ name: tcp, protocol: TCP, port: 80, targetPort: 8080, nodePort: 30080 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: moved-1, namespace: default, labels: { kubernetes.io/service-name: moved } }
addressType: IPv4
ports: [{ name: tcp, protocol: TCP, port: 8080 }]
endpoints: [{ addresses: ["10.244.0.11"], conditions: { ready: true } }]
YAML

# As kube-proxy has it, and a virtual server and a set of somebody else.
ip link add kube-ipvs0 type dummy
ip addr add 10.96.0.10/32 dev kube-ipvs0
for server in 10.96.0.10:80 192.168.77.1:30080 192.0.2.9:80; do
  ipvsadm -A -t "$server" -s rr
  ipvsadm -a -t "$server" -r 10.244.0.11:8080 -m
done
mkdir -p /etc
echo "tcp 6 TCP" > /etc/protocols
ipset create KUBE-CLUSTER-IP hash:ip,port
ipset add KUBE-CLUSTER-IP 10.96.0.10,tcp:80
ipset create others hash:ip

start_daemon /sys/fs/cgroup --node-ip 192.168.77.1
until_true is_ready || fail "the daemon becomes ready"
takeover --dry-run || fail "nothing stands in the way: $(cat /tmp/takeover)"
tells "Found IPVS (2 virtual servers)"
tells "Found device kube-ipvs0 (1 addresses of services)"
tells "Would remove ipset KUBE-CLUSTER-IP"
[ "$(ipvsadm -Ln | grep -c '^TCP')" = 3 ] || fail "a dry run changes nothing"
said "virtual servers, their device and their sets are found"

takeover || fail "it is done: $(cat /tmp/takeover)"
[ "$(ipvsadm -Ln | awk '/^TCP/ { print $2 }')" = 192.0.2.9:80 ] || fail "only the other's server is left: $(ipvsadm -Ln)"
[ "$(ipset list -n)" = others ] || fail "only the other's set is left: $(ipset list -n)"
! ip link show kube-ipvs0 2> /dev/null || fail "the device is gone"
[ "$(./probe ask tcp 10.96.0.10 80 1)" = "pod from 10.96.0.10:80" ] || fail "the service is answered"
said "they are removed, and those of others stay"
kill_daemon
