#!/bin/sh
# Runs in a guest, beside ebpf-proxy and probe: packets that no hook of a socket sees, on this kernel. The guest is the
# node, of whose cgroup its clients are not: one in a namespace outside, one in the pod that serves. Says each thing that
# it saw; ends at the first that is not so, with the daemon's last lines and what the programs counted. Emulation is slow,
# so deadlines are generous and packets few.
set -eu

[ "$PWD" = /payload ] || {
  echo "packets.sh: only in a guest, whose network and root cgroup it changes: tools/vmtest/check.sh" >&2
  exit 2
}

# shellcheck source=tools/vmtest/node.sh
. ./node.sh
# For later: a node on which nothing has wanted them so far has none of them.
for module in ebtable_filter nf_tables nfnetlink ip_gre; do
  [ ! -e "/lib/modules/$module.ko" ] || rmmod "$module"
done
client=192.168.77.100 client6=fd00:77::64
mask=10.244.0.1 mask6=fd00:244::1
masked=30080 kept=30081 empty=30082 talked=30083 sticky=30084 sctp=30090

sctp_manifest() {
  cat <<YAML
---
apiVersion: v1
kind: Service
metadata: { name: sctp, namespace: default }
spec:
  type: NodePort
  clusterIP: 10.96.0.90
  clusterIPs: [10.96.0.90]
  ports:
    - { name: sctp, protocol: SCTP, port: $sctp, targetPort: $sctp, nodePort: $sctp }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: sctp, namespace: default, labels: { kubernetes.io/service-name: sctp } }
addressType: IPv4
ports:
  - { name: sctp, protocol: SCTP, port: $sctp }
endpoints:
  - { addresses: ["10.244.0.11"], nodeName: guest, conditions: { ready: true } }
YAML
}

# sees PORT IPV4 IPV6: as whom the pod sees the client outside, by TCP and UDP
sees() {
  for how in tcp udp; do
    are "$2 from $node:$1" outside ./probe ask $how $node "$1" 3
    are "$3 from [$node6]:$(($1 + 100))" outside ./probe ask $how $node6 $(($1 + 100)) 3
  done
}

goes_around() {
  ./ebpf-proxy status | grep -q '^fast path *on$'
}

# goes_through REASON
goes_through() {
  ./ebpf-proxy status | grep -q "^fast path *off: $1\$"
}

is_at() {
  ./ebpf-proxy status -o wide | grep -q "$1 ingress: $attached" && ./ebpf-proxy status -o wide | grep -q "$1 egress: $attached"
}

has_programs_without_link() {
  bpftool prog show | grep -q 'name proxy_egress_ip '
}

# opens COUNT COMMAND...: the flows that it makes are taken for no more than they are
opens() {
  count=$1
  shift
  before=$(events connection_opened)
  "$@"
  opened=$(($(events connection_opened) - before))
  [ "$opened" = "$count" ] || fail "\"$*\" opens $count connections: $opened"
}

ask_node_ports_of() {
  for how in tcp udp; do
    are "$mask from 192.168.$1.1:$masked" outside ./probe ask $how "192.168.$1.1" $masked 2
    are "$mask6 from [fd00:$1::1]:$((masked + 100))" outside ./probe ask $how "fd00:$1::1" $((masked + 100)) 2
  done
}

case $kernel in
  5.* | 6.[0-5].*) attached=clsact ;;
  *) attached=tcx ;;
esac
mkdir "$manifests" /sys/fs/cgroup/node
make_outside
pod pod 1
ip netns exec pod ./probe serve @ 8080 &
ip netns exec pod ./probe mirror tcp 9090 &
for number in 2 3 4; do
  pod "pod$number" $number
  ip netns exec "pod$number" ./probe serve "pod$number" 8080 &
done
ip netns exec pod ./probe mirror sctp $sctp &
{
  manifest masked $masked 8080 "" 11
  manifest kept $kept 8080 "externalTrafficPolicy: Local" 11
  manifest empty $empty 8080 ""
  manifest talked $talked 9090 "" 11
  manifest sticky $sticky 8080 "sessionAffinity: ClientIP" 12 13 14
  sctp_manifest
} > "$manifests/services.yaml"

flags="--node-ip $node,$node6 --cluster-cidr 10.244.0.0/16,fd00:244::/64"
# shellcheck disable=SC2086 # words
start_daemon /sys/fs/cgroup/node $flags
until_true is_ready || fail "the daemon becomes ready"
{ is_at uplink && is_at pod; } || fail "the programs are attached by $attached"
said "the programs are attached by $attached"

sees $masked $mask $mask6
sees $kept $client $client6
said "a node port from outside, TCP and UDP, IPv4 and IPv6: the pod sees the node or, as the policy says, the client"

for how in tcp udp; do
  are ECONNREFUSED outside ./probe ask $how $node $empty 2
  are ECONNREFUSED outside ./probe ask $how $node6 $((empty + 100)) 2
done
said "a node port without endpoints refuses"

for how in tcp udp; do
  are "$mask from 10.96.0.80:80" ip netns exec pod ./probe ask $how 10.96.0.80 80 2
  are "$mask6 from [fd00:96::80]:80" ip netns exec pod ./probe ask $how fd00:96::80 80 2
  are "$mask from $node:$masked" ip netns exec pod ./probe ask $how $node $masked 2
done
said "a pod reaches itself through its service"

are "8000 bytes, the same from $node:$masked" outside ./probe ask fragments $node $masked 3
are "8000 bytes, the same from [$node6]:$((masked + 100))" outside ./probe ask fragments $node6 $((masked + 100)) 3
are "8000 bytes, the same from $node:$kept" outside ./probe ask fragments $node $kept 3
said "datagrams of 8,000 bytes come and go in fragments"

are "5 messages" outside ./probe talk sctp $node $sctp 64 5
said "SCTP through a node port that is the pod's"

# stays COMMAND...: it says one thing, by TCP and UDP each
stays() {
  for how in tcp udp; do
    answers=$("$@" $how | sort -u | paste -s -d ,)
    case $answers in *,* | "") fail "\"$* $how\" is answered by one: \"$answers\"" ;; esac
  done
}

ask_sticky() {
  outside ./probe ask "$1" $node $sticky 12
}

ask_sticky6() {
  outside ./probe ask "$1" $node6 $((sticky + 100)) 12
}

# The node's own process, whose sockets the hooks see.
ask_sticky_here() {
  sh -c 'echo $$ > /sys/fs/cgroup/node/cgroup.procs && exec ./probe ask "$1" "$2" 80 12' sh "$1" 10.96.0.$((sticky - 30000))
}

stays ask_sticky
stays ask_sticky6
stays ask_sticky_here
said "a client of a service with session affinity stays with one of its three pods"

outside ./probe hold tcp $node $talked /tmp/seen /tmp/end > /tmp/held &
held=$!
until_true test -e /tmp/seen || fail "a connection is held: $(cat /tmp/held)"
kill_daemon
sees $masked $mask $mask6
# shellcheck disable=SC2086 # words
start_daemon /sys/fs/cgroup/node $flags
until_true is_ready || fail "the daemon becomes ready again"
sees $masked $mask $mask6
touch /tmp/end
wait $held || fail "a connection lives on when the daemon is killed and started: $(cat /tmp/held)"
said "a connection lives on when the daemon is killed and started: $(cat /tmp/held)"

tc -n outside qdisc add dev eth0 root netem delay 10ms 5ms loss 5% reorder 25% 50%
tc qdisc add dev uplink root netem delay 10ms 5ms loss 5% reorder 25% 50%
are "30 messages" outside ./probe talk tcp $node $talked 8000 30
are "30 messages" outside ./probe talk tcp $node6 $((talked + 100)) 8000 30
tc -n outside qdisc del dev eth0 root
tc qdisc del dev uplink root
said "nothing stalls where packets are lost and come in another order"

ip link add pair type bond mode active-backup miimon 100
ip -n outside link add pair type bond mode active-backup miimon 100
for number in 1 2; do
  ip link add "port$number" type veth peer name "port$number" netns outside
  ip link set "port$number" master pair
  ip -n outside link set "port$number" master pair
done
ip link set pair up
ip -n outside link set pair up
ip link add link pair name pair.5 type vlan id 5
ip -n outside link add link pair name pair.5 type vlan id 5
ip link set pair.5 up
ip -n outside link set pair.5 up
addresses pair pair 78
addresses pair.5 pair.5 79
link plain plain
ip link add link plain name plain.6 type vlan id 6
ip -n outside link add link plain name plain.6 type vlan id 6
ip link set plain.6 up
ip -n outside link set plain.6 up
addresses plain.6 plain.6 80
until_true is_at pair || fail "a new bond has the programs"
until_true is_at pair.5 || fail "a new VLAN on it has the programs"
until_true is_at plain.6 || fail "a new VLAN has the programs"
! ./ebpf-proxy status -o wide | grep -q ' port[12] ' || fail "a bond's ports have no programs"
answers_at() {
  [ "$(outside ./probe ask tcp "192.168.$1.1" $masked 1)" = "$mask from 192.168.$1.1:$masked" ]
}
for network in 78 79 80; do
  # New addresses are followed a moment later.
  until_true answers_at $network || fail "a node port answers at 192.168.$network.1"
  opens 8 ask_node_ports_of $network
done
said "a bond, a VLAN on it and a VLAN on a plain device translate once"

if [ -e /lib/modules/ip_gre.ko ]; then
  ! has_programs_without_link || fail "programs for devices without link header are loaded before there is one"
  insmod /lib/modules/ip_gre.ko
  ip link add over type gre local $node remote $client
  ip -n outside link add over type gre local $client remote $node
  ip link set over up
  ip -n outside link set over up
  addresses over over 81
  until_true is_at over || fail "a new device without link header has the programs"
  has_programs_without_link || fail "they are those for it"
  said "a tunnel, whose packets have no link header, gets programs of its own"
  # Before 5.14 programs see what comes out of it with the header that it came in.
  case $kernel in
    5.[0-9].* | 5.1[0-3].*) ;;
    *)
      until_true answers_at 81 || fail "a node port answers at 192.168.81.1"
      opens 8 ask_node_ports_of 81
      said "they translate"
      ;;
  esac
fi

fast_path() {
  ./ebpf-proxy status | grep '^fast path'
}

until_true goes_around || fail "connections go around the stack: $(fast_path)"
if [ -e /lib/modules/nf_tables.ko ]; then
  [ ! -e /lib/modules/nfnetlink.ko ] || insmod /lib/modules/nfnetlink.ko
  insmod /lib/modules/nf_tables.ko
  nft add table ip others
  nft add chain ip others forward '{ type filter hook forward priority 0; }'
  nft add rule ip others forward ip daddr 192.0.2.1 drop
  until_true goes_through "nftables chain ip others forward has rules" ||
    fail "a rule of nftables, which come when the daemon runs, takes connections back to the stack: $(fast_path)"
  sees $masked $mask $mask6
  nft delete table ip others
  until_true goes_around || fail "they go around it again: $(fast_path)"
  said "nftables, which come when the daemon runs, hold connections in the stack while they have a rule"
fi
# The kernel does not tell the rules of ebtables, so its tables count as soon as they are there.
if [ -e /lib/modules/ebtable_filter.ko ]; then
  insmod /lib/modules/ebtable_filter.ko
  until_true goes_through "ebtable_filter is loaded" || fail "ebtables take connections back to the stack: $(fast_path)"
  sees $masked $mask $mask6
  rmmod ebtable_filter
  until_true goes_around || fail "they go around it again: $(fast_path)"
  said "tables of ebtables hold connections in the stack while they are there"
fi

for reason in not_rewritable unknown_fragment no_source_port no_source_address connections_full; do
  [ "$(events $reason)" = 0 ] || fail "none is counted: $(events $reason) $reason"
done

kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ends well"
sees $masked $mask $mask6
./ebpf-proxy cleanup --bpffs /sys/fs/bpf > /dev/null
until_true nothing_is_left || fail "cleanup leaves nothing: $(in_kernel; find /sys/fs/bpf)"
said "cleanup leaves nothing"
