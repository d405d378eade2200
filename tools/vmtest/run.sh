#!/bin/sh
# Boots another kernel in qemu, runs a command in it, prints its output and exits with its status.
#
#   tools/vmtest/run.sh KERNEL PAYLOAD_DIR COMMAND
#
# KERNEL is a name that fetch.sh knows, or a folder with an unpacked kernel package. The guest finds PAYLOAD_DIR at
# /payload and runs COMMAND there by sh, as root, with proc, sys, cgroup v2 (/sys/fs/cgroup) and bpffs mounted and
# loopback up. Executables of the payload take their shared libraries with them; so do the programs and libraries in
#
#   VMTEST_PROGRAMS   names on PATH or whole paths (default: bpftool ip)
#   VMTEST_MODULES    kernel modules to load (default: veth)
#   VMTEST_DEADLINE   seconds until the guest is ended (default: 120)
#   VMTEST_MEMORY     MiB (default: 1024)
#
# Exits with 124 at the deadline, with 125 if the guest ended without a status.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
deps=$root/.artifacts/deps

[ $# -eq 3 ] || {
  sed -n '4p' "$0" >&2
  exit 2
}
kernel=$1 payload=$2 command=$3
[ -d "$kernel" ] || kernel=$deps/kernels/$kernel
[ -d "$kernel" ] || {
  echo "vmtest: no kernel in $kernel: tools/vmtest/fetch.sh" >&2
  exit 2
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

"$here/initramfs.sh" "$kernel" "$payload" "$command" "$work/initramfs"
image=$(find "$kernel" -name 'vmlinuz*' -type f | head -n 1)

qemu='qemu-system-x86_64'
libraries=
if [ -x "$deps/qemu/usr/bin/$qemu" ]; then
  qemu=$deps/qemu/usr/bin/$qemu
  libraries=$(find "$deps/qemu/lib" "$deps/qemu/usr/lib" -maxdepth 1 -name '*-linux-gnu' 2>/dev/null | paste -sd: -)
fi

# The guest's output is on the first serial port, its status on the second.
status=0
LD_LIBRARY_PATH=$libraries timeout --foreground --kill-after=5 "${VMTEST_DEADLINE:-120}" \
  "$qemu" -L "$deps/qemu/usr/share/qemu" -L "$deps/qemu/usr/share/seabios" \
  -accel tcg,thread=multi -cpu max -smp 2 -m "${VMTEST_MEMORY:-1024}" \
  -nodefaults -display none -no-reboot -nic none \
  -serial stdio -serial "file:$work/status" \
  -kernel "$image" -initrd "$work/initramfs" \
  -append "console=ttyS0 quiet loglevel=3 panic=-1 rdinit=/init" < /dev/null || status=$?
case $status in
  124 | 137)
    echo "vmtest: ended after ${VMTEST_DEADLINE:-120} seconds" >&2
    exit 124
    ;;
esac

status=$(tr -dc '0-9' < "$work/status")
exit "${status:-125}"
