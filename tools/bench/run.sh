#!/bin/sh
# The frame of the bench. Mounts, processes and network namespaces are private and go with the stage; the cgroup and the
# folder are removed here. What it measures is set by BENCH_ROUNDS, BENCH_MILLISECONDS, BENCH_STARTS and BENCH_CHANGES;
# BENCH_PARTS names the parts (sockets packets control). With RECORD=1 the figures go into docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/../.."

fail() {
  echo "bench: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "namespaces and BPF need root: sudo make bench"
[ -x .artifacts/ebpf-proxy ] || fail "no .artifacts/ebpf-proxy: make build"
cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroups" ] || fail "no cgroup v2 hierarchy is mounted: mount -t cgroup2 none /sys/fs/cgroup"
DOTNET=$(tools/deps/dotnet.sh find)
[ -n "$DOTNET" ] || fail "no .NET SDK that fits global.json: make deps"

BENCH=$PWD/.artifacts/bench
BENCH_CGROUP=$cgroups/ebpf-proxy-bench-$$
BENCH_FOLDER=$BENCH/run-$$
BENCH_PARTS=${BENCH_PARTS:-sockets packets control}
export DOTNET BENCH BENCH_CGROUP BENCH_FOLDER BENCH_PARTS
stage=

# shellcheck disable=SC2317 # called by the trap
clean_up() {
  trap '' EXIT INT TERM HUP
  [ -z "$stage" ] || kill -KILL "$stage" 2>/dev/null || true
  [ -z "$stage" ] || wait "$stage" 2>/dev/null || true
  # A killed process leaves its cgroup a moment later.
  for _ in $(seq 100); do
    ! find "$BENCH_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || break
    sleep 0.1
  done
  rm -rf "$BENCH_FOLDER"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

mkdir -p "$BENCH/results" "$BENCH_FOLDER" "$BENCH_CGROUP"
"$DOTNET" build tools/bench/EbpfProxy.Bench/EbpfProxy.Bench.csproj -c Release -v quiet
cc -O2 -Wall -Wextra -Werror -o "$BENCH/connect" tools/bench/connect.c tools/bench/programs.c
for program in nothing least; do
  clang -target bpf -O2 -g -Wall -Wextra -Werror -idirafter "/usr/include/$(cc -print-multiarch)" \
    -c -o "$BENCH/$program.bpf.o" "tools/bench/$program.bpf.c"
done

# What to compare with: PACKAGE COMMAND
compare_with() {
  ! command -v "$2" >/dev/null && [ ! -x ".artifacts/deps/$1/usr/sbin/$2" ] || return 0
  echo "bench: unpacking $1 below .artifacts/deps, to compare with"
  tools/deps/apt.sh get own ".artifacts/deps/$1" "$1" >/dev/null
}

compare_with nftables nft
compare_with iptables xtables-legacy-multi

unshare --mount --propagation private --pid --fork --kill-child --mount-proc tools/bench/stage.sh </dev/null &
stage=$!
status=0
wait "$stage" || status=$?
stage=
[ $status = 0 ] || exit $status
case " $BENCH_PARTS " in
  *" packets "*) tools/bench/packets.sh >"$BENCH/results/test-run.txt" ;;
esac
"$DOTNET" .artifacts/bin/EbpfProxy.Bench/release/EbpfProxy.Bench.dll report "$BENCH/results" "$BENCH"
if [ "${RECORD:-}" = 1 ]; then
  "$DOTNET" .artifacts/bin/EbpfProxy.Bench/release/EbpfProxy.Bench.dll report "$BENCH/results" docs
fi
