#!/bin/sh
# What the bench measures, in mount and process namespaces of its own (run.sh).
set -eu
# shellcheck source=tools/bench/node.sh
. tools/bench/node.sh
PATH=$PWD/.artifacts/deps/bin:$PATH
trap 'exit 130' INT TERM

# Client and server share one CPU, so that all the work of a connection counts, and hardly leave it to others. Many short
# turns rather than a few long ones: what disturbs lasts longer than a turn, and falls on neighbours alike.
cpu=$(($(nproc) - 1))

# What clients ask, and what no service has: an address of the server that is nobody's endpoint.
service_address=10.96.19.136
plain_address=10.2.0.9
node_address=10.1.0.1
far_address=10.4.0.2
port=8080

tool="$DOTNET .artifacts/bin/EbpfProxy.Bench/release/EbpfProxy.Bench.dll"
results=$BENCH/results
rounds=${BENCH_ROUNDS:-340}
# There are twice as many variants of packets, and fewer rounds do.
packet_rounds=$(((rounds * 3 + 7) / 8))
milliseconds=${BENCH_MILLISECONDS:-25}

mount -t tmpfs none /run
mkdir /run/netns "$BENCH_CGROUP/without" "$BENCH_CGROUP/control"

variant() {
  echo "$1,/run/netns/$2-client,$BENCH_CGROUP/$3,$4,$5"
}

# measure FILE MODE ROUNDS VARIANT...
measure() {
  file=$results/$1.csv mode=$2 times=$3
  shift 3
  echo "bench: $mode, about $(($# * times * milliseconds / 1000)) s"
  nice -n -20 "$BENCH/connect" measure "$mode" "$cpu" "$times" "$milliseconds" "$@" >"$file"
}

# The first variant is the one that the others are compared with.
sockets() {
  echo "bench: two nodes, two daemons, 10,000 services in rules"
  make_node plain
  make_node rules
  for services in 10 10000; do
    ip netns add with-$services
    ip -n with-$services link set lo up
    add_services with-$services cluster.sh manifests $services
    make_daemon with-$services with-$services
  done
  add_nftables rules cluster.sh rules 10000
  add_nothing_to_sockets with-nothing

  measure connections connections "$rounds" \
    "$(variant bare plain without $plain_address $port)" \
    "$(variant bare-again plain without $plain_address $port)" \
    "$(variant nothing plain with-nothing $plain_address $port)" \
    "$(variant beside plain with-10000 $plain_address $port)" \
    "$(variant backend-itself plain with-10000 10.2.0.2 $port)" \
    "$(variant service-of-10 plain with-10 $service_address 80)" \
    "$(variant service-of-10000 plain with-10000 $service_address 80)" \
    "$(variant nftables-beside rules without $plain_address $port)" \
    "$(variant nftables-service-of-10000 rules without $service_address 80)"
  measure requests requests "$rounds" \
    "$(variant bare plain without $plain_address $port)" \
    "$(variant bare-again plain without $plain_address $port)" \
    "$(variant nothing plain with-nothing $plain_address $port)" \
    "$(variant beside plain with-10000 $plain_address $port)" \
    "$(variant service-of-10000 plain with-10000 $service_address 80)" \
    "$(variant nftables-beside rules without $plain_address $port)" \
    "$(variant nftables-service-of-10000 rules without $service_address 80)"
  socket_programs
}

# What each program costs, told by the kernel. The counting costs too, so it comes after all else is measured.
socket_programs() {
  "$BENCH/connect" count "$BENCH_FOLDER/with-10000/bpf/ebpf-proxy/links" "$cpu" 1000 \
    "$(variant beside plain with-10000 $plain_address $port)" \
    "$(variant backend-itself plain with-10000 10.2.0.2 $port)" \
    "$(variant service-of-10000 plain with-10000 $service_address 80)" >"$results/programs.csv"
}

control() {
  ip netns add control
  ip -n control link set lo up
  mkdir -p "$BENCH_FOLDER/control/bpf"
  mount -t bpf none "$BENCH_FOLDER/control/bpf"
  # shellcheck disable=SC2086 # two words
  (enter control control $tool control "$BENCH_FOLDER/control" "$BENCH_CGROUP/control" \
    "${BENCH_STARTS:-5}" "${BENCH_CHANGES:-1000}") >"$results/control.csv"
}

# Clients are outside: of no daemon's cgroup, behind the first device of a node, whose ports are asked. Each way to translate
# has a node of its own.
packets() {
  echo "bench: nodes with a client outside, 10,000 services; 1,000 in iptables"
  ways=stack
  ! .artifacts/ebpf-proxy run --help | grep -q -e --fast-path || ways="stack fast"
  # shellcheck disable=SC2086 # one word a way
  for node in open nothing least least-stack $ways nftables iptables; do
    make_node "$node"
    add_far "$node"
  done
  for way in $ways; do
    add_services "$way" cluster.sh manifests 10000
    add_services "$way" doors.sh manifests
    set -- --cluster-cidr 10.2.0.0/16 --node-ip 10.1.0.1
    case "$ways/$way" in
      *fast/fast) set -- "$@" --fast-path=on ;;
      *fast/stack) set -- "$@" --fast-path=off ;;
    esac
    make_daemon "$way" "$way" "$@"
  done
  add_nothing_to_devices nothing client server
  add_least least
  add_least_of_stack least-stack
  add_nftables nftables cluster.sh rules 10000
  add_nftables nftables doors.sh nftables
  add_iptables iptables 1000

  set -- "$(variant bare open without $plain_address $port)" \
    "$(variant bare-again open without $plain_address $port)" \
    "$(variant nothing-passing nothing without $plain_address $port)" \
    "$(variant passing stack without $plain_address $port)"
  for way in least $ways nftables iptables; do
    set -- "$@" "$(variant "$way-masked" "$way" without $node_address 30080)" \
      "$(variant "$way-kept" "$way" without $node_address 30081)"
  done
  set -- "$@" "$(variant least-stack-kept least-stack without $node_address 30081)" \
    "$(variant bare-far open without $far_address $port)"
  for way in $ways nftables; do
    set -- "$@" "$(variant "$way-far" "$way" without $node_address 30082)"
  done
  measure packet-connections connections "$packet_rounds" "$@"
  measure packet-requests requests "$packet_rounds" "$@"
  for way in $ways; do
    "$BENCH/connect" count "$BENCH_FOLDER/$way/bpf/ebpf-proxy/links/devices" "$cpu" 1000 \
      "$(variant "$way-masked" "$way" without $node_address 30080)" \
      "$(variant "$way-kept" "$way" without $node_address 30081)" \
      "$(variant "$way-far" "$way" without $node_address 30082)"
  done >"$results/packet-programs.csv"
}

for part in $BENCH_PARTS; do
  case $part in
    sockets | packets | control) $part ;;
    *) echo "bench: no part $part" >&2; exit 2 ;;
  esac
done
