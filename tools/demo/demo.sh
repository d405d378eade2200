#!/bin/sh
# The demo's frame. Mounts, processes and network namespaces are private and go with the stage; the cgroup and the
# folder are removed here.
set -eu
cd "$(dirname "$0")/../.."

fail() {
  echo "demo: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "namespaces and BPF need root: sudo make demo"
[ -x .artifacts/ebpf-proxy ] || fail "no .artifacts/ebpf-proxy: make build"
cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroups" ] || fail "no cgroup v2 hierarchy is mounted: mount -t cgroup2 none /sys/fs/cgroup"

DEMO_CGROUP=$cgroups/ebpf-proxy-demo-$$
DEMO_FOLDER=$PWD/.artifacts/demo-$$
export DEMO_CGROUP DEMO_FOLDER
stage=

# shellcheck disable=SC2317 # called by the trap
clean_up() {
  trap '' EXIT INT TERM HUP
  [ -z "$stage" ] || kill -KILL "$stage" 2>/dev/null || true
  [ -z "$stage" ] || wait "$stage" 2>/dev/null || true
  # A killed process leaves its cgroup a moment later.
  for _ in $(seq 100); do
    ! find "$DEMO_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || break
    sleep 0.1
  done
  rm -rf "$DEMO_FOLDER"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

mkdir -p "$DEMO_CGROUP/daemon" "$DEMO_CGROUP/pods" "$DEMO_FOLDER"
# Job control would stop a background reader; the stage reads nothing.
unshare --mount --propagation private --pid --fork --kill-child --mount-proc tools/demo/stage.sh </dev/null &
stage=$!
status=0
wait "$stage" || status=$?
stage=
exit $status
