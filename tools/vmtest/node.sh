# shellcheck shell=sh
# shellcheck disable=SC2034 # whoever reads this uses what it sets
# What a script needs that runs in a guest as a node: its daemon, its pods, and words for what it saw.
kernel=$(uname -r)
manifests=$PWD/manifests
log=/tmp/daemon.log
daemon=
node=192.168.77.1 node6=fd00:77::1

fail() {
  echo "$kernel: not so: $*"
  tail -n 30 "$log" 2>/dev/null || true
  ./ebpf-proxy status 2>/dev/null || true
  exit 1
}

said() {
  echo "$kernel: $*"
}

# until_true COMMAND...
until_true() {
  deadline=$(($(date +%s) + 120))
  until "$@"; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.5
  done
}

# pod NAME NUMBER: a namespace with an address of each family
pod() {
  ip netns add "$1"
  ip link add "$1" type veth peer name eth0 netns "$1"
  ip link set "$1" up
  ip addr add 10.244.0.1/32 dev "$1"
  ip addr add fd00:244::1/128 dev "$1" nodad
  ip route add "10.244.0.1$2/32" dev "$1" src 10.244.0.1
  ip route add "fd00:244::1$2/128" dev "$1" src fd00:244::1
  ip -n "$1" link set lo up
  ip -n "$1" link set eth0 up
  ip -n "$1" addr add "10.244.0.1$2/32" dev eth0
  ip -n "$1" addr add "fd00:244::1$2/128" dev eth0 nodad
  ip -n "$1" route add 10.244.0.1/32 dev eth0
  ip -n "$1" route add fd00:244::1/128 dev eth0
  ip -n "$1" route add default via 10.244.0.1 dev eth0
  ip -n "$1" -6 route add default via fd00:244::1 dev eth0
}

outside() {
  ip netns exec outside "$@"
}

# link NODE_DEVICE OUTSIDE_DEVICE
link() {
  ip link add "$1" type veth peer name "$2" netns outside
  ip link set "$1" up
  ip -n outside link set "$2" up
}

# addresses NODE_DEVICE OUTSIDE_DEVICE NETWORK: of 192.168.NETWORK.0/24 and fd00:NETWORK::/64
addresses() {
  ip addr add "192.168.$3.1/24" dev "$1"
  ip addr add "fd00:$3::1/64" dev "$1" nodad
  ip -n outside addr add "192.168.$3.100/24" dev "$2"
  ip -n outside addr add "fd00:$3::64/64" dev "$2" nodad
}

# The namespace of a client outside, on the node's uplink. The node forwards.
make_outside() {
  echo 1 > /proc/sys/net/ipv4/ip_forward
  echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
  ip link set lo up
  ip netns add outside
  ip -n outside link set lo up
  link uplink eth0
  addresses uplink eth0 77
}

# manifest NAME NODE_PORT TARGET_PORT EXTRA ENDPOINT_SUFFIX...: a service of each family, of TCP and UDP
manifest() {
  name=$1 node_port=$2 target=$3 extra=$4
  shift 4
  number=$((node_port - 30000))
  for family in 4 6; do
    if [ $family = 4 ]; then address=10.96.0.$number pods=10.244.0; else address=fd00:96::$number pods=fd00:244:; fi
    # Two services cannot share a node port, so the families have their own.
    [ $family = 4 ] || node_port=$((node_port + 100))
    echo "---"
    echo "apiVersion: v1"
    echo "kind: Service"
    echo "metadata: { name: $name-$family, namespace: default }"
    echo "spec:"
    echo "  type: NodePort"
    echo "  clusterIP: \"$address\""
    echo "  clusterIPs: [\"$address\"]"
    echo "  ipFamilies: [IPv$family]"
    [ -z "$extra" ] || echo "  $extra"
    echo "  ports:"
    echo "    - { name: tcp, protocol: TCP, port: 80, targetPort: $target, nodePort: $node_port }"
    echo "    - { name: udp, protocol: UDP, port: 80, targetPort: $target, nodePort: $node_port }"
    echo "---"
    echo "apiVersion: discovery.k8s.io/v1"
    echo "kind: EndpointSlice"
    echo "metadata: { name: $name-$family, namespace: default, labels: { kubernetes.io/service-name: $name-$family } }"
    echo "addressType: IPv$family"
    echo "ports:"
    echo "  - { name: tcp, protocol: TCP, port: $target }"
    echo "  - { name: udp, protocol: UDP, port: $target }"
    echo "endpoints: ["
    for suffix; do
      separator=.
      [ $family = 4 ] || separator=:
      echo "  { addresses: [\"$pods$separator$suffix\"], nodeName: guest, conditions: { ready: true } },"
    done
    echo "]"
  done
}

# start_daemon CGROUP FLAG...
start_daemon() {
  cgroup=$1
  shift
  ./ebpf-proxy run --manifests "$manifests" --hostname-override guest --cgroup-root "$cgroup" --bpffs /sys/fs/bpf \
    --metrics-bind-address 127.0.0.1:10249 --healthz-bind-address 127.0.0.1:10256 "$@" >> "$log" 2>&1 &
  daemon=$!
}

kill_daemon() {
  kill -KILL "$daemon"
  wait "$daemon" 2>/dev/null || true
}

is_ready() {
  kill -0 "$daemon" 2>/dev/null || fail "the daemon runs"
  wget -q -O /dev/null http://127.0.0.1:10256/readyz 2>/dev/null
}

# Without what bpftool itself needs to tell.
in_kernel() {
  bpftool link show
  { bpftool prog show; bpftool map show; } | grep -E '^[0-9]+:' | grep -v 'name pid_iter\|iter\.rodata' || true
  tc qdisc show | grep clsact || true
}

nothing_is_left() {
  [ ! -e /sys/fs/bpf/ebpf-proxy ] && [ -z "$(in_kernel)" ]
}

events() {
  ./ebpf-proxy status -o wide | awk -v name="$1" '$NF == name { print $(NF - 1) }'
}

# are EXPECTED COMMAND...: what it says, each line once
are() {
  expected=$1
  shift
  actual=$("$@" | sort -u | paste -s -d ,)
  [ "$actual" = "$expected" ] || fail "\"$*\" says \"$expected\": \"$actual\""
}
