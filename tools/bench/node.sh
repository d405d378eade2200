# shellcheck shell=sh
# Two machines on this machine, each a node with a client's and a server's pod, routed as most networks of pods are. They
# are alike, but that one will have the rules of kube-proxy. Needs BENCH_CGROUP, BENCH_FOLDER, the
# server's port and cpu, and a mount namespace of its own.

# enter CGROUP NAMESPACE COMMAND...: this process becomes the command. What cgroup a socket belongs to is decided when
# it is made, so joining comes first. Not `ip netns exec`: it mounts another /sys, without cgroups and pins.
enter() {
  echo 0 >"$BENCH_CGROUP/$1/cgroup.procs"
  network=/run/netns/$2
  shift 2
  exec nsenter --net="$network" "$@"
}

# add_pod NODE NAME SUBNET ADDRESS...: the first address of the subnet is the node's
add_pod() {
  node=$1 pod=$1-$2 link=$2 subnet=$3
  shift 3
  ip netns add "$pod"
  ip -n "$pod" link set lo up
  ip -n "$node" link add "$link" type veth peer name eth0 netns "$pod"
  ip -n "$node" addr add "$subnet.1/24" dev "$link"
  ip -n "$node" link set "$link" up
  for address in "$@"; do
    ip -n "$pod" addr add "$subnet.$address/24" dev eth0
  done
  ip -n "$pod" link set eth0 up
  ip -n "$pod" route add default via "$subnet.1"
}

# make_node NAME: pods NAME-client and NAME-server, and the server
make_node() {
  ip netns add "$1"
  ip -n "$1" link set lo up
  add_pod "$1" client 10.1.0 2
  add_pod "$1" server 10.2.0 2 3 4 9
  nsenter --net="/run/netns/$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  (enter without "$1-server" nice -n -20 "$BENCH/connect" serve "${port:?}" "${cpu:?}") &
}

# add_far NODE: a second node beside it with a pod, 10.4.0.2, and a server there
add_far() {
  other=$1-other
  ip netns add "$other"
  ip -n "$other" link set lo up
  ip -n "$1" link add other type veth peer name eth0 netns "$other"
  ip -n "$1" addr add 10.5.0.1/24 dev other
  ip -n "$1" link set other up
  ip -n "$other" addr add 10.5.0.2/24 dev eth0
  ip -n "$other" link set eth0 up
  ip -n "$1" route add 10.4.0.0/24 via 10.5.0.2
  ip -n "$other" route add default via 10.5.0.1
  nsenter --net="/run/netns/$other" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  add_pod "$other" far 10.4.0 2
  (enter without "$other-far" nice -n -20 "$BENCH/connect" serve "${port:?}" "${cpu:?}") &
}

# add_services NAME SCRIPT WORD...: what the script says, to what the daemon of that name reads
add_services() {
  folder=$BENCH_FOLDER/$1/manifests
  script=$2
  shift 2
  mkdir -p "$folder"
  "tools/bench/$script" "$@" >"$folder/$script.yaml"
}

# make_daemon NAME NETWORK FLAG...: a daemon with a cgroup and BPF filesystem of its own, in that namespace
make_daemon() {
  name=$1 network_of=$2
  shift 2
  mkdir -p "$BENCH_CGROUP/$name" "$BENCH_FOLDER/$name/bpf"
  mount -t bpf none "$BENCH_FOLDER/$name/bpf"
  (enter "$name" "$network_of" .artifacts/ebpf-proxy run \
    --manifests "$BENCH_FOLDER/$name/manifests" \
    --hostname-override bench \
    --cgroup-root "$BENCH_CGROUP/$name" \
    --bpffs "$BENCH_FOLDER/$name/bpf" "$@") >"$BENCH_FOLDER/$name/log" 2>&1 &
  deadline=$(($(date +%s) + 60))
  until grep -q Applied "$BENCH_FOLDER/$name/log"; do
    [ "$(date +%s)" -lt $deadline ] || { cat "$BENCH_FOLDER/$name/log" >&2; return 1; }
    sleep 0.1
  done
}

# in_node NODE PACKAGE COMMAND WORD...: a program that is installed, or unpacked below .artifacts/deps
in_node() {
  network=/run/netns/$1 unpacked=$PWD/.artifacts/deps/$2/usr command=$3
  shift 3
  libraries=$(find "$unpacked/lib" -maxdepth 1 -name '*-linux-gnu' 2>/dev/null || true)
  nsenter --net="$network" env LD_LIBRARY_PATH="$libraries" XTABLES_LIBDIR="${libraries:+$libraries/xtables}" \
    "$(command -v "$command" || echo "$unpacked/sbin/$command")" "$@"
}

# add_nftables NODE SCRIPT WORD...: the rules that the script says
add_nftables() {
  node=$1 script=$2
  shift 2
  "tools/bench/$script" "$@" >"$BENCH_FOLDER/rules"
  in_node "$node" nftables nft -f "$BENCH_FOLDER/rules"
}

# add_iptables NODE SERVICES
add_iptables() {
  tools/bench/doors.sh iptables "$2" >"$BENCH_FOLDER/rules"
  in_node "$1" iptables xtables-legacy-multi iptables-restore "$BENCH_FOLDER/rules"
}

# load NAME: the bench's own programs of that name, and their maps, pinned below the folder of that name
load() {
  mkdir -p "$BENCH_FOLDER/$1"
  mountpoint -q "$BENCH_FOLDER/$1" || mount -t bpf none "$BENCH_FOLDER/$1"
  [ -d "$BENCH_FOLDER/$1/programs" ] ||
    # Where they are: libbpf makes other names of paths with dots.
    (cd "$BENCH_FOLDER/$1" && bpftool prog loadall "$BENCH/$1.bpf.o" programs pinmaps maps)
}

# add_nothing_to_sockets CGROUP: at the hooks that a TCP connection comes by
add_nothing_to_sockets() {
  load nothing
  nothing=$BENCH_FOLDER/nothing
  mkdir -p "$BENCH_CGROUP/$1"
  bpftool cgroup attach "$BENCH_CGROUP/$1" connect4 pinned "$nothing/programs/nothing_connect4" multi
  bpftool cgroup attach "$BENCH_CGROUP/$1" sock_release pinned "$nothing/programs/nothing_sock_release" multi
}

# add_nothing_to_devices NODE DEVICE...
add_nothing_to_devices() {
  load nothing
  nothing=$BENCH_FOLDER/nothing
  network=/run/netns/$1
  shift
  for device; do
    nsenter --net="$network" bpftool net attach tcx_ingress pinned "$nothing/programs/nothing_ingress" dev "$device"
    nsenter --net="$network" bpftool net attach tcx_egress pinned "$nothing/programs/nothing_egress" dev "$device"
  done
}

# add_least NODE: what is in least.bpf.c, between its client and its server
add_least() {
  load least
  least=$BENCH_FOLDER/least
  which=0
  for device in client server; do
    # In the order of the bytes of struct way, on a machine of the lesser end first.
    index=$(ip -n "$1" -o link show "$device" | cut -d: -f1)
    # shellcheck disable=SC2046 # words
    bpftool map update pinned "$least/maps/least_ways" key hex "0$which" 00 00 00 \
      value hex $(printf '%02x %02x 00 00' $((index % 256)) $((index / 256))) \
      $(mac_of "$1-$device" eth0) $(mac_of "$1" "$device")
    nsenter --net="/run/netns/$1" bpftool net attach tcx_ingress pinned "$least/programs/least_ingress" dev "$device"
    which=$((which + 1))
  done
}

# add_least_of_stack NODE: the same through its stack, at its client
add_least_of_stack() {
  load least
  network=/run/netns/$1
  nsenter --net="$network" bpftool net attach tcx_ingress pinned "$BENCH_FOLDER/least/programs/least_to_stack" dev client
  nsenter --net="$network" bpftool net attach tcx_egress pinned "$BENCH_FOLDER/least/programs/least_from_stack" dev client
}

# mac_of NODE DEVICE: in words of one byte
mac_of() {
  ip -n "$1" -o link show "$2" | sed 's/.*link.ether \([0-9a-f:]*\).*/\1/' | tr : ' '
}
