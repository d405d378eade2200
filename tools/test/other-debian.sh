#!/bin/sh
# On a bare system of the other Debian (13 where this is 12, 12 elsewhere), in a chroot: `make demo`, as the README says,
# gets what is missing, builds, and does the main job. The kernel and the .NET SDK are this machine's.
# Needs root.
set -u
cd "$(dirname "$0")/../.." || exit
. tools/test/tap.sh
[ -x .artifacts/deps/mmdebstrap/usr/bin/mmdebstrap ] || cannot "mmdebstrap is only unpacked on Debian"
# shellcheck source=/dev/null
own=$(. /etc/os-release && echo "$VERSION_CODENAME")
case $own in bookworm) other=trixie ;; *) other=bookworm ;; esac

folder=$PWD/.artifacts/other-debian-$$
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$folder"

bootstrap() {
  tools/deps/apt.sh sources "$other" >"$folder/sources.list" &&
    .artifacts/deps/mmdebstrap/usr/bin/mmdebstrap --quiet --variant=minbase --include=make,ca-certificates \
      "$other" "$folder/root" "$folder/sources.list"
}

copy_tree() {
  mkdir "$folder/root/ebpf-proxy" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar -c | tar -x -C "$folder/root/ebpf-proxy"
}

plan 4

holds "a bare $other is set up" bootstrap
holds "it has the tree" copy_tree
unshare --mount --propagation private --pid --fork --kill-child tools/test/stages/chroot.sh "$folder/root" \
  "$(dirname "$(readlink -f "$(tools/deps/dotnet.sh find)")")" make -C /ebpf-proxy demo >"$folder/output" 2>&1
status=$?
is "the demo succeeds on $other" 0 $status
[ $status = 0 ] || tail -n 60 "$folder/output" | sed 's/^/# /'
holds "its pods are asked by the service" grep -q 'x my-app-3' "$folder/output"
