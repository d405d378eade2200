#!/bin/sh
# What the bench measures, in mount and process namespaces of its own (run.sh).
set -eu
# shellcheck source=tools/bench/node.sh
. tools/bench/node.sh
trap 'exit 130' INT TERM

# Client and server share one CPU, so that all the work of a connection counts, and hardly leave it to others. Many short
# turns rather than a few long ones: what disturbs lasts longer than a turn, and falls on neighbours alike.
cpu=$(($(nproc) - 1))

# What clients ask, and what no service has: an address of the server that is nobody's endpoint.
service_address=10.96.19.136
plain_address=10.2.0.9
port=8080

tool="$DOTNET .artifacts/bin/EbpfProxy.Bench/release/EbpfProxy.Bench.dll"
results=$BENCH/results
rounds=${BENCH_ROUNDS:-400}
milliseconds=${BENCH_MILLISECONDS:-25}

mount -t tmpfs none /run
mkdir /run/netns "$BENCH_CGROUP/without" "$BENCH_CGROUP/control"

variant() {
  echo "$1,/run/netns/$2-client,$BENCH_CGROUP/$3,$4,$5"
}

measure() {
  mode=$1
  shift
  nice -n -20 "$BENCH/connect" measure "$mode" "$cpu" "$rounds" "$milliseconds" "$@" >"$results/$mode.csv"
}

# The first variant is the one that the others are compared with.
sockets() {
  echo "bench: two nodes, two daemons, 10,000 services in rules"
  make_node plain
  make_node rules
  make_daemon 10
  make_daemon 10000
  add_rules rules 10000

  echo "bench: connections, about $((8 * rounds * milliseconds / 1000)) s"
  measure connections \
    "$(variant bare plain without $plain_address $port)" \
    "$(variant bare-again plain without $plain_address $port)" \
    "$(variant beside plain with-10000 $plain_address $port)" \
    "$(variant backend-itself plain with-10000 10.2.0.2 $port)" \
    "$(variant service-of-10 plain with-10 $service_address 80)" \
    "$(variant service-of-10000 plain with-10000 $service_address 80)" \
    "$(variant nftables-beside rules without $plain_address $port)" \
    "$(variant nftables-service-of-10000 rules without $service_address 80)"
  echo "bench: requests, about $((6 * rounds * milliseconds / 1000)) s"
  measure requests \
    "$(variant bare plain without $plain_address $port)" \
    "$(variant bare-again plain without $plain_address $port)" \
    "$(variant beside plain with-10000 $plain_address $port)" \
    "$(variant service-of-10000 plain with-10000 $service_address 80)" \
    "$(variant nftables-beside rules without $plain_address $port)" \
    "$(variant nftables-service-of-10000 rules without $service_address 80)"
  programs
}

# What each program costs, told by the kernel. The counting costs too, so it comes after all else is measured.
programs() {
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

for part in $BENCH_PARTS; do
  case $part in
    sockets | control) $part ;;
    *) echo "bench: no part $part" >&2; exit 2 ;;
  esac
done
