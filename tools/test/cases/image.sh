#!/bin/sh
# The image runs as the manifests have it, in a container of the distribution's runtime: what its first container does,
# what its daemon can do with four capabilities, and what `check` says where one of them is taken away.
# Needs root.
set -u
cd "$(dirname "$0")/../../.." || exit
. tools/test/tap.sh
[ -x .artifacts/deps/bin/crun ] || cannot "the runtime and the tools come from Debian's packages"
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "the image of the other architecture is made on amd64 only"

cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
CGROUP_NAME=ebpf-proxy-image-$$
CGROUP=$cgroups/$CGROUP_NAME
FOLDER=$PWD/.artifacts/image-$$
export CGROUP_NAME FOLDER
clean_up() {
  # A killed process leaves its cgroup a moment later.
  for _ in $(seq 100); do
    ! find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || break
    sleep 0.1
  done
  rm -rf "$FOLDER"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

mkdir -p "$CGROUP/daemon" "$CGROUP/clients" "$FOLDER"
tools/image/image.sh >"$FOLDER/image.log" 2>&1 || sed 's/^/# /' "$FOLDER/image.log"
unshare --mount --propagation private --pid --fork --kill-child --mount-proc sh tools/test/stages/image.sh
[ -z "${KEEP_LOGS:-}" ] || cp "$FOLDER"/*.log "$KEEP_LOGS"
