#!/bin/sh
# What other kernels do with the product: loads and attaches every program of .artifacts/bpf (attach.sh), then the main
# job with .artifacts/ebpf-proxy, for sockets (answers.sh) and for packets (packets.sh).
#
#   tools/vmtest/check.sh [KERNEL...]     5.10 and newest by default; fetch.sh gets them
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
artifacts=$root/.artifacts
[ $# -gt 0 ] || set -- 5.10 newest

for file in "$artifacts/bpf/sock_addr.bpf.o" "$artifacts/bpf/tc.bpf.o" "$artifacts/ebpf-proxy"; do
  [ -e "$file" ] || {
    echo "vmtest: no $file: make build" >&2
    exit 2
  }
done
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
trap 'exit 130' INT TERM
cp "$artifacts"/bpf/*.bpf.o "$artifacts/ebpf-proxy" "$payload"
cp "$here/attach.sh" "$here/answers.sh" "$here/packets.sh" "$here/node.sh" "$payload"
"${CC:-cc}" -O2 -Wall -Wextra -Werror -static -o "$payload/probe" "$here"/*.c

bpftool=$artifacts/deps/bpftool/usr/sbin/bpftool
[ -x "$bpftool" ] || bpftool=bpftool
# What the binary opens only when it runs: libbpf, where that could not be linked in. Not libssl: a folder of manifests
# needs none.
opened=$(find /usr/lib /usr/lib64 -name libbpf.so.1 2>/dev/null | paste -s -d ' ')

export VMTEST_PROGRAMS="$bpftool ip tc $opened" VMTEST_DEADLINE="${VMTEST_DEADLINE:-900}"
# What programs are attached by where there is no tcx, and what only some of the tests need.
export VMTEST_MODULES="veth sch_ingress cls_bpf sctp sch_netem bonding 8021q"

failed=0
for kernel; do
  for command in './attach.sh && ./answers.sh' ./packets.sh; do
    "$here/run.sh" "$kernel" "$payload" "$command" && continue
    echo "vmtest: $kernel: failed: $command" >&2
    failed=1
  done
done
exit $failed
