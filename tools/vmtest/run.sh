#!/bin/sh
# Boots another kernel in qemu, runs a command in it, prints its output and exits with its status.
#
#   tools/vmtest/run.sh KERNEL PAYLOAD_DIR COMMAND
#
# KERNEL is a name that fetch.sh knows, or a folder with an unpacked kernel package, whose name tells the architecture in
# the same way. The guest finds PAYLOAD_DIR at
# /payload and runs COMMAND there by sh, as root, with proc, sys, cgroup v2 (/sys/fs/cgroup) and bpffs mounted and
# loopback up. Executables of the payload take their shared libraries with them; so do the programs and libraries in
#
#   VMTEST_PROGRAMS   names on PATH or whole paths (default: bpftool ip)
#   VMTEST_MODULES    kernel modules to load (default: veth)
#   VMTEST_DEADLINE   seconds until the guest is ended (default: 120)
#   VMTEST_MEMORY     MiB (default: 1024)
#   VMTEST_APPEND     what more the kernel is started with
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

own=$(dpkg --print-architecture)
case ${kernel##*/} in *:*) architecture=${kernel##*:} ;; *) architecture=$own ;; esac
folder=$deps/qemu root=
[ "$architecture" = "$own" ] || folder=$deps/qemu-$architecture root=$deps/guest-$architecture
case $architecture in
  # no_timer_check: a kernel counts ticks of its own clock when it boots, and panics where a busy machine emulates too few
  # ("IO-APIC + timer doesn't work!").
  amd64) qemu=qemu-system-x86_64 machine="pc -cpu max" console="ttyS0 no_timer_check" ;;
  # max has pointer authentication, which takes emulation half of its time.
  arm64) qemu=qemu-system-aarch64 machine="virt -cpu neoverse-n1" console=ttyAMA0 ;;
  *)
    echo "vmtest: no guests of $architecture" >&2
    exit 2
    ;;
esac

"$here/initramfs.sh" "$kernel" "$payload" "$command" "$work/initramfs" "$root"
image=$(find "$kernel" -name 'vmlinuz*' -type f | head -n 1)
libraries=
if [ -x "$folder/usr/bin/$qemu" ]; then
  qemu=$folder/usr/bin/$qemu
  libraries=$(find "$folder/lib" "$folder/usr/lib" -maxdepth 1 -name '*-linux-gnu' 2>/dev/null | paste -sd: -)
fi

# The guest's output is on the first serial port, its status on the second.
status=0
# shellcheck disable=SC2086 # the machine and its processor
LD_LIBRARY_PATH=$libraries timeout --foreground --kill-after=5 "${VMTEST_DEADLINE:-120}" \
  "$qemu" -L "$folder/usr/share/qemu" -L "$folder/usr/share/seabios" \
  -accel tcg,thread=multi -machine $machine -smp 2 -m "${VMTEST_MEMORY:-1024}" \
  -nodefaults -display none -no-reboot -nic none \
  -serial stdio -serial "file:$work/status" \
  -kernel "$image" -initrd "$work/initramfs" \
  -append "console=$console quiet loglevel=3 panic=-1 rdinit=/init ${VMTEST_APPEND:-}" < /dev/null || status=$?
case $status in
  124 | 137)
    echo "vmtest: ended after ${VMTEST_DEADLINE:-120} seconds" >&2
    exit 124
    ;;
esac

status=$(tr -dc '0-9' < "$work/status")
exit "${status:-125}"
