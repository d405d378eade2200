#!/bin/sh
# The programs load and attach, and the native binary does the main job, on the oldest and the newest kernel (`make
# test-kernels` takes those between, too), and on the newest of arm64.
# Needs root.
set -u
cd "$(dirname "$0")/../../.." || exit
. tools/test/tap.sh
command -v dpkg >/dev/null || cannot "kernels come from Debian's packages"
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "other kernels are booted on amd64 only"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() {
  for kernel; do
    tools/vmtest/check.sh "$kernel" >"$folder/$kernel" 2>&1
    echo $? >"$folder/$kernel.status"
  done
}

plan 4
holds "the binary for arm64 is built" tools/image/cross.sh
tools/vmtest/fetch.sh 5.10 newest newest:arm64
# Two at once: a guest under emulation uses one processor.
check newest &
check 5.10 newest:arm64
wait
for kernel in 5.10 newest newest:arm64; do
  cat "$folder/$kernel"
  is "the main job is done on kernel $kernel" 0 "$(cat "$folder/$kernel.status")"
done
