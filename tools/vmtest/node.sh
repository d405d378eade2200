# shellcheck shell=sh
# shellcheck disable=SC2034 # whoever reads this uses what it sets
# What a script needs that runs in a guest as a node: its daemon, its pods, and words for what it saw.
kernel=$(uname -r)
manifests=$PWD/manifests
log=/tmp/daemon.log
daemon=

fail() {
  echo "$kernel: not so: $*"
  tail -n 30 "$log" 2>/dev/null || true
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

