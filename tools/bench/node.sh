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

# make_daemon SERVICES: a daemon of its own cgroup, filesystem and namespace, with so many services
make_daemon() {
  name=with-$1
  mkdir -p "$BENCH_CGROUP/$name" "$BENCH_FOLDER/$name/manifests" "$BENCH_FOLDER/$name/bpf"
  mount -t bpf none "$BENCH_FOLDER/$name/bpf"
  ip netns add "$name"
  ip -n "$name" link set lo up
  tools/bench/cluster.sh manifests "$1" >"$BENCH_FOLDER/$name/manifests/cluster.yaml"
  (enter "$name" "$name" .artifacts/ebpf-proxy run \
    --manifests "$BENCH_FOLDER/$name/manifests" \
    --hostname-override bench \
    --cgroup-root "$BENCH_CGROUP/$name" \
    --bpffs "$BENCH_FOLDER/$name/bpf") >"$BENCH_FOLDER/$name/log" 2>&1 &
  deadline=$(($(date +%s) + 60))
  until grep -q Applied "$BENCH_FOLDER/$name/log"; do
    [ "$(date +%s)" -lt $deadline ] || { cat "$BENCH_FOLDER/$name/log" >&2; return 1; }
    sleep 0.1
  done
}

# add_rules NODE SERVICES: the rules that kube-proxy would have for them
add_rules() {
  tools/bench/cluster.sh rules "$2" >"$BENCH_FOLDER/rules"
  unpacked=$PWD/.artifacts/deps/nftables/usr
  nft=$(command -v nft || echo "$unpacked/sbin/nft")
  nsenter --net="/run/netns/$1" env LD_LIBRARY_PATH="$(echo "$unpacked"/lib/*-linux-gnu)" "$nft" -f "$BENCH_FOLDER/rules"
}
