#!/bin/sh
# Runs in a guest whose kernel was started without IPv6, beside ebpf-proxy and probe: the daemon serves IPv4 alone, at sockets
# and at devices. Says each thing that it saw; ends at the first that is not so, with the daemon's last lines.
set -eu

[ "$PWD" = /payload ] || {
  echo "ipv4only.sh: only in a guest, whose network it changes: tools/vmtest/check.sh" >&2
  exit 2
}

# shellcheck source=tools/vmtest/node.sh
. ./node.sh

[ ! -e /proc/net/if_inet6 ] || fail "the kernel has no IPv6"
# A process of the node, whose sockets are translated; one outside has its own cgroup.
own() {
  sh -c 'echo $$ > /sys/fs/cgroup/node/cgroup.procs; exec "$@"' own "$@"
}

mkdir "$manifests" /sys/fs/cgroup/node
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
ip netns add outside
ip netns add pod
link uplink eth0
ip addr add $node/24 dev uplink
ip -n outside addr add 192.168.77.100/24 dev eth0
ip link add pod type veth peer name eth0 netns pod
ip link set pod up
ip addr add 10.244.0.1/24 dev pod
ip -n pod link set eth0 up
ip -n pod addr add 10.244.0.11/24 dev eth0
ip -n pod route add default via 10.244.0.1
ip netns exec pod ./probe serve pod 8080 &
manifest both 30085 8080 "" 11 > "$manifests/services.yaml"

start_daemon /sys/fs/cgroup/node --node-ip $node --cluster-cidr 10.244.0.0/16
until_true is_ready || fail "the daemon becomes ready"
are "pod from 10.96.0.85:80" own ./probe ask tcp 10.96.0.85 80 1
are "pod from 10.96.0.85:80" own ./probe ask sendto 10.96.0.85 80 1
are "pod from $node:30085" outside ./probe ask tcp $node 30085 1
are "pod from $node:30085" outside ./probe ask udp $node 30085 1
[ "$(events connection_opened)" = 2 ] || fail "devices translate: $(events connection_opened)"
said "without IPv6 the services of IPv4 are answered, by sockets and by packets"
