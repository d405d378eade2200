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
for module in ebtable_filter nf_tables nfnetlink ip_gre ipip sit; do
  [ ! -e "/lib/modules/$module.ko" ] || rmmod "$module"
done
client=192.168.77.100 client6=fd00:77::64
mask=10.244.0.1 mask6=fd00:244::1
masked=30080 kept=30081 empty=30082 talked=30083 sticky=30084 far=30085 sctp=30090

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

# A pod of another node, which is outside.
far_pod() {
  ip netns add far
  ip -n outside link add far type veth peer name eth0 netns far
  ip -n outside link set far up
  ip -n outside addr add 10.244.1.1/32 dev far
  ip -n outside addr add fd00:244:1::1/128 dev far nodad
  ip -n outside route add 10.244.0.99/32 dev far
  ip -n outside route add fd00:244::99/128 dev far
  ip -n far link set eth0 up
  ip -n far addr add 10.244.0.99/32 dev eth0
  ip -n far addr add fd00:244::99/128 dev eth0 nodad
  ip -n far route add 10.244.1.1/32 dev eth0
  ip -n far route add fd00:244:1::1/128 dev eth0
  ip -n far route add default via 10.244.1.1 dev eth0
  ip -n far -6 route add default via fd00:244:1::1 dev eth0
  # shellcheck disable=SC2016 # for the shell there
  outside sh -c 'for family in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$family; done'
}

# tunnel MODULE TYPE DEVICE NETWORK: one between the node and outside, whose packets have no link header
tunnel() {
  insmod "/lib/modules/$1.ko"
  ip link add "$3" type "$2" local $node remote $client
  ip -n outside link add "$3" type "$2" local $client remote $node
  ip link set "$3" up
  ip -n outside link set "$3" up
  addresses "$3" "$3" "$4"
  until_true is_at "$3" || fail "a new device without link header has the programs"
}

# translates_at DEVICE ADDRESS: what comes in by a tunnel, of one family: clients behind it ask the node at its address
# there, and the pod behind it answers whoever asks its service
translates_at() {
  case $2 in
    *:*) more=100 at="[$2]" seen=$mask6 host=$node6 shown="[$node6]" beyond=$client6 service=fd00:96::85 named="[fd00:96::85]" ;;
    *) more=0 at=$2 seen=$mask host=$node shown=$node beyond=$client service=10.96.0.85 named=10.96.0.85 ;;
  esac
  until_true is_answered "$2" || fail "a node port answers at $2 by $1"
  opens 4 ask_tunneled "$2"
  for how in tcp udp; do
    are ECONNREFUSED outside ./probe ask $how "$2" $((empty + more)) 2
  done
  # The pod may yet have to hear how little the tunnel takes.
  outside ./probe ask fragments "$2" $((masked + more)) 1 > /dev/null
  are "8000 bytes, the same from $at:$((masked + more))" outside ./probe ask fragments "$2" $((masked + more)) 2
  # Each second fragment overtakes the one before.
  tc -n outside qdisc add dev "$1" root netem delay 20ms reorder 100% gap 2
  are "8000 bytes, the same from $at:$((masked + more))" outside ./probe ask fragments "$2" $((masked + more)) 2
  tc -n outside qdisc del dev "$1" root

  for pod in 10.244.0.99 fd00:244::99; do
    ip route replace $pod dev "$1"
  done
  ip route replace $service via $beyond
  for how in tcp udp; do
    are "$2 from $shown:$((far + more))" outside ./probe ask $how $host $((far + more)) 2
    # Answers to the node itself come in by the device that it asks by.
    are "$2 from $named:80" ./probe ask $how $service 80 2
  done
  said "what comes in by the tunnel $1 is translated at $2"
}

# resets DEVICE ADDRESS: a connection that comes in by a tunnel, to an address that becomes a service's when it is there
resets() {
  rm -f /tmp/seen /tmp/end
  ip -n pod addr add "$2" dev eth0
  ip route add "$2" dev pod
  ip -n outside route add "$2" dev "$1"
  outside ./probe hold tcp "$2" 80 /tmp/seen /tmp/end > /tmp/held &
  held=$!
  until_true test -e /tmp/seen || fail "a connection is held: $(cat /tmp/held)"
  manifest late 30086 9090 "" 11 > "$manifests/late.yaml"
  until_true has_ended $held || fail "a connection to what is a service's now ends"
  ! wait $held || fail "it ends by an error: $(cat /tmp/held)"
  grep -q '^ECONNRESET' /tmp/held || fail "it is reset: $(cat /tmp/held)"
  rm "$manifests/late.yaml"
  said "a connection that comes in by the tunnel $1 and is not known is reset at $2"
}

has_ended() {
  ! kill -0 "$1" 2> /dev/null
}

is_answered() {
  [ "$(outside ./probe ask udp "$1" $((masked + more)) 1)" = "$seen from $at:$((masked + more))" ]
}

ask_tunneled() {
  for how in tcp udp; do
    are "$seen from $at:$((masked + more))" outside ./probe ask $how "$1" $((masked + more)) 2
  done
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
for port in 80 9090; do
  ip netns exec pod ./probe mirror tcp $port &
done
for number in 2 3 4; do
  pod "pod$number" $number
  ip netns exec "pod$number" ./probe serve "pod$number" 8080 &
done
ip netns exec pod ./probe mirror sctp $sctp &
far_pod
ip netns exec far ./probe serve @ 8080 &
{
  manifest masked $masked 8080 "" 11
  manifest kept $kept 8080 "externalTrafficPolicy: Local" 11
  manifest empty $empty 8080 ""
  manifest talked $talked 9090 "" 11
  manifest far $far 8080 "" 99
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

# The programs of the bond see the answers first, with the tag that the kernel takes off for the VLAN.
for to in 10.244.0.99 10.96.0.85; do
  ip route replace $to via 192.168.79.100
done
for to in fd00:244::99 fd00:96::85; do
  ip route replace $to via fd00:79::64
done
for how in tcp udp; do
  are "192.168.79.1 from 10.96.0.85:80" ./probe ask $how 10.96.0.85 80 2
  are "fd00:79::1 from [fd00:96::85]:80" ./probe ask $how fd00:96::85 80 2
done
for to in 10.244.0.99 10.96.0.85 fd00:244::99 fd00:96::85; do
  ip route del $to
done
said "the node asks by a VLAN, and has its answers"

if [ -e /lib/modules/ip_gre.ko ]; then
  ! has_programs_without_link || fail "programs for devices without link header are loaded before there is one"
  tunnel ip_gre gre over 81
  has_programs_without_link || fail "they are those for it"
  said "a tunnel, whose packets have no link header, gets programs of its own"
  translates_at over 192.168.81.1
  translates_at over fd00:81::1
fi
if [ -e /lib/modules/ipip.ko ]; then
  tunnel ipip ipip over4 82
  translates_at over4 192.168.82.1
  resets over4 10.96.0.86
fi
if [ -e /lib/modules/sit.ko ]; then
  tunnel sit sit over6 83
  translates_at over6 fd00:83::1
  resets over6 fd00:96::86
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
