#!/bin/sh
# Unpacks what boots other kernels below .artifacts/deps: kernels of Debian's suites, qemu, busybox (apt.sh says how).
#
#   tools/vmtest/fetch.sh [KERNEL...]     5.10 6.1 6.12 newest; all of them by default
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
deps=$root/.artifacts/deps
arch=$(dpkg --print-architecture)

die() {
  echo "fetch: $*" >&2
  exit 1
}

apt() {
  "$root/tools/deps/apt.sh" "$@"
}

suite_of() {
  case $1 in
    5.10) echo bullseye-security ;;
    6.1) echo bookworm ;;
    6.12) echo bookworm-backports ;;
    newest) echo sid ;;
    *) die "no kernel $1: 5.10, 6.1, 6.12 or newest" ;;
  esac
}

# The newest qemu that runs here: bookworm's own crashes 6.12 now and then.
qemu_suite() {
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  case $codename in
    bookworm) echo bookworm-backports ;;
    *) echo own ;;
  esac
}

# fetch NAME WHAT COMMAND...: runs the command, which fills .artifacts/deps/NAME, unless it is there.
fetch() {
  folder=$deps/$1
  [ ! -e "$folder/ready" ] || return 0
  echo "fetch: $2"
  shift 2
  rm -rf "$folder"
  "$@"
  touch "$folder/ready"
}

# The package whose name has no version depends on the one that has. That one is all there is of old kernels; new ones
# keep the kernel and its modules apart.
unpack_kernel() {
  suite=$1
  image=$(apt needs "$suite" "linux-image-cloud-$arch" | grep -m 1 '^linux-image-[0-9]') ||
    die "no linux-image-cloud-$arch in $suite"
  parts=$(apt needs "$suite" "$image" | grep -E '^linux-(binary|modules)-[0-9]' || true)
  # shellcheck disable=SC2086 # one word a package
  apt alone "$suite" "$folder" "$image" $parts
}

[ "$arch" = amd64 ] || die "other kernels are booted on amd64 only"
[ $# -gt 0 ] || set -- 5.10 6.1 6.12 newest
fetch busybox "busybox" apt alone own "$deps/busybox" busybox-static
fetch qemu "qemu of $(qemu_suite)" apt get "$(qemu_suite)" "$deps/qemu" qemu-system-x86
for kernel; do
  suite=$(suite_of "$kernel")
  fetch "kernels/$kernel" "kernel $kernel of $suite" unpack_kernel "$suite"
done
