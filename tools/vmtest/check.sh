#!/bin/sh
# Loads every program of .artifacts/bpf on other kernels and attaches those of sockets.
#
#   tools/vmtest/check.sh [KERNEL...]     5.10 and newest by default; fetch.sh gets them
set -eu

here=$(cd "$(dirname "$0")" && pwd)
objects=$here/../../.artifacts/bpf
[ $# -gt 0 ] || set -- 5.10 newest

ls "$objects"/*.bpf.o > /dev/null 2>&1 || {
  echo "vmtest: no programs in .artifacts/bpf: make bpf" >&2
  exit 2
}
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
trap 'exit 130' INT TERM
cp "$objects"/*.bpf.o "$here/attach.sh" "$payload"

failed=0
for kernel; do
  VMTEST_PROGRAMS=bpftool "$here/run.sh" "$kernel" "$payload" ./attach.sh && continue
  echo "vmtest: $kernel: failed" >&2
  failed=1
done
exit $failed
