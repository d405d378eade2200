#!/bin/sh
# What other kernels do with the product: loads and attaches every program of .artifacts/bpf (attach.sh), then the main
# job with .artifacts/ebpf-proxy (answers.sh).
#
#   tools/vmtest/check.sh [KERNEL...]     5.10 and newest by default; fetch.sh gets them
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
artifacts=$root/.artifacts
[ $# -gt 0 ] || set -- 5.10 newest

for file in "$artifacts/bpf/sock_addr.bpf.o" "$artifacts/ebpf-proxy"; do
  [ -e "$file" ] || {
    echo "vmtest: no $file: make build" >&2
    exit 2
  }
done
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
trap 'exit 130' INT TERM
cp "$artifacts"/bpf/*.bpf.o "$artifacts/ebpf-proxy" "$here/attach.sh" "$here/answers.sh" "$payload"
"${CC:-cc}" -O2 -Wall -Wextra -Werror -static -o "$payload/probe" "$here/probe.c"

bpftool=$artifacts/deps/bpftool/usr/sbin/bpftool
[ -x "$bpftool" ] || bpftool=bpftool
# What the binary opens only when it runs: libbpf, where that could not be linked in. Not libssl: a folder of manifests
# needs none.
opened=$(find /usr/lib /usr/lib64 -name libbpf.so.1 2>/dev/null | paste -s -d ' ')

failed=0
for kernel; do
  VMTEST_PROGRAMS="$bpftool ip $opened" VMTEST_DEADLINE=${VMTEST_DEADLINE:-900} \
    "$here/run.sh" "$kernel" "$payload" './attach.sh && ./answers.sh' && continue
  echo "vmtest: $kernel: failed" >&2
  failed=1
done
exit $failed
