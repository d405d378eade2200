#!/bin/sh
# Unpacks what boots other kernels below .artifacts/deps: kernels of Debian's suites, qemu, what guests run (apt.sh says
# how).
#
#   tools/vmtest/fetch.sh [KERNEL...]     5.10 6.1 6.12 newest newest:arm64; all of them by default
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
deps=$root/.artifacts/deps
own=$(dpkg --print-architecture)

die() {
  echo "fetch: $*" >&2
  exit 1
}

apt() {
  "$root/tools/deps/apt.sh" "$@"
}

suite_of() {
  case ${1%%:*} in
    5.10) echo bullseye-security ;;
    6.1) echo bookworm ;;
    6.12) echo bookworm-backports ;;
    newest) echo sid ;;
    *) die "no kernel $1: 5.10, 6.1, 6.12 or newest" ;;
  esac
}

# A name may end in an architecture, as a suite may for apt.sh.
architecture_of() {
  case $1 in
    *:*) echo "${1##*:}" ;;
    *) echo "$own" ;;
  esac
}

# The newest qemu and bpftool that run here: bookworm's own qemu crashes 6.12 now and then.
newest_suite() {
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
  suite=$1 package=linux-image-cloud-$2
  image=$(apt needs "$suite" "$package" | grep -m 1 '^linux-image-[0-9]') || die "no $package in $suite"
  parts=$(apt needs "$suite" "$image" | grep -E '^linux-(binary|modules)-[0-9]' || true)
  # shellcheck disable=SC2086 # one word a package
  apt alone "$suite" "$folder" "$image" $parts
}

# qemu, and what a guest runs: of this architecture the programs of this machine, of another one a root of packages.
fetch_emulator() {
  case $1 in
    "$own") fetch qemu "qemu of $(newest_suite)" apt get "$(newest_suite)" "$deps/qemu" qemu-system-x86 ;;
    arm64)
      fetch qemu-arm64 "qemu for arm64 of $(newest_suite)" apt get "$(newest_suite)" "$deps/qemu-arm64" qemu-system-arm
      fetch guest-arm64 "what a guest of arm64 runs" \
        apt get "$(newest_suite):arm64" "$deps/guest-arm64" busybox-static dash bpftool iproute2 nftables
      ;;
    *) die "no guests of $1" ;;
  esac
}

[ "$own" = amd64 ] || die "other kernels are booted on amd64 only"
[ $# -gt 0 ] || set -- 5.10 6.1 6.12 newest newest:arm64
fetch busybox "busybox" apt alone own "$deps/busybox" busybox-static
for kernel; do
  architecture=$(architecture_of "$kernel")
  suite=$(suite_of "$kernel")${kernel#"${kernel%%:*}"}
  fetch_emulator "$architecture"
  fetch "kernels/$kernel" "kernel $kernel of $suite" unpack_kernel "$suite" "$architecture"
done
