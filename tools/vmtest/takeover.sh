#!/bin/sh
# Runs in a guest, beside ebpf-proxy, probe and nft: the daemon comes in the place of rules such as kube-proxy's, on this
# kernel. Connections that they translated, of a client outside and of a pod whose sockets no program sees, go on. Says each
# thing that it saw; ends at the first that is not so, with the daemon's last lines and what the programs counted.
set -eu

[ "$PWD" = /payload ] || {
  echo "takeover.sh: only in a guest, whose network it changes: tools/vmtest/check.sh" >&2
  exit 2
}

# shellcheck source=tools/vmtest/node.sh
. ./node.sh
talked=30083 number=83 devices="uplink pod asker"
held=

# rule FAMILY PROTOCOL ADDRESS PORT POD
rule() {
  echo "$1 daddr $3 $2 dport $4 dnat $1 to $5:9090"
}

# Those of another component stay, without which there would be no connection tracking.
load_rules() {
  {
    echo "table inet others { chain postrouting { type nat hook postrouting priority 100; oifname other masquerade; }; }"
    echo "table inet as-kube-proxy {"
    echo "chain postrouting { type nat hook postrouting priority 90; ip saddr 192.168.77.0/24 masquerade; ip6 saddr fd00:77::/64 masquerade; }"
    echo "chain prerouting {"
    echo "type nat hook prerouting priority -100;"
    for how in tcp udp; do
      rule ip $how $node $talked 10.244.0.11
      rule ip $how 10.96.0.$number 80 10.244.0.11
      rule ip6 $how $node6 $((talked + 100)) "[fd00:244::11]"
      rule ip6 $how fd00:96::$number 80 "[fd00:244::11]"
    done
    echo "}"
    echo "}"
  } | nft -f -
}

# hold PLACE HOW ADDRESS PORT: a connection that stays until the file /tmp/end is there
hold() {
  place=$1
  shift
  ip netns exec "$place" ./probe hold "$1" "$2" "$3" "/tmp/seen-$place-$1-$2" /tmp/end > "/tmp/held-$place-$1-$2" &
  held="$held $!"
  until_true test -e "/tmp/seen-$place-$1-$2" || fail "$* is held: $(cat "/tmp/held-$place-$1-$2")"
}

has_left() {
  [ "$(events left_to_conntrack)" -ge "$1" ]
}

tracked() {
  wget -q -O - http://127.0.0.1:10249/metrics | awk '$1 == "ebpf_proxy_tracked_flows" { print $2 }'
}

mkdir "$manifests" /sys/fs/cgroup/node
make_outside
pod pod 1
pod asker 2
for how in tcp udp; do
  ip netns exec pod ./probe mirror $how 9090 &
done
manifest talked $talked 9090 "" 11 > "$manifests/services.yaml"
load_rules
# The first clsact of a device costs what is under way there: the kernel takes its queue away for a moment. A datagram is
# not sent again, so it is there before.
for device in $devices; do
  tc qdisc add dev "$device" clsact
done
for how in tcp udp; do
  hold outside $how $node $talked
  hold outside $how $node6 $((talked + 100))
  hold asker $how 10.96.0.$number 80
  hold asker $how fd00:96::$number 80
done
nft delete table inet as-kube-proxy

start_daemon /sys/fs/cgroup/node --node-ip "$node,$node6" --cluster-cidr 10.244.0.0/16,fd00:244::/64
until_true is_ready || fail "the daemon becomes ready"
before=$(events left_to_conntrack)
until_true has_left $((before + 200)) || fail "packets of what the rules translated are left to connection tracking"
are "3 messages" outside ./probe talk tcp $node $talked 64 3
are "3 messages" outside ./probe talk udp $node6 $((talked + 100)) 64 3
[ "$(events connection_opened)" = 2 ] || fail "new connections are ours, and no others: $(events connection_opened)"
case $kernel in
  # Of each protocol two flows that were only sent elsewhere, and both directions of two that were masqueraded too.
  5.1[0-7].*) expected=12 ;;
  *) expected=0 ;;
esac
[ "$(tracked)" = $expected ] || fail "the table of tracked flows has $expected rows: $(tracked)"

# What the daemon was told is good for as long as it is away.
kill_daemon
before=$(events left_to_conntrack)
until_true has_left $((before + 200)) || fail "they are left to it without the daemon"
start_daemon /sys/fs/cgroup/node --node-ip "$node,$node6" --cluster-cidr 10.244.0.0/16,fd00:244::/64
until_true is_ready || fail "the daemon becomes ready again"
before=$(events left_to_conntrack)
until_true has_left $((before + 200)) || fail "they are left to it by the next daemon"

touch /tmp/end
for process in $held; do
  wait "$process" || fail "what the rules translated goes on: $(grep . /tmp/held-*)"
done
[ "$(events no_connection)" = 0 ] || fail "none is reset"
said "TCP and UDP over IPv4 and IPv6 that rules such as kube-proxy's translated go on under the daemon, and what is new is ours"

kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ends well"
./ebpf-proxy cleanup --bpffs /sys/fs/bpf > /dev/null
for device in $devices; do
  tc qdisc del dev "$device" clsact
done
until_true nothing_is_left || fail "cleanup leaves nothing: $(in_kernel; find /sys/fs/bpf)"
said "cleanup leaves nothing"
