#!/bin/sh
# Makes an initramfs that run.sh boots: initramfs.sh KERNEL_DIR PAYLOAD_DIR COMMAND OUTPUT [ROOT]
# ROOT is an unpacked root with all that a guest of another architecture runs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
deps=$(cd "$here/../.." && pwd)/.artifacts/deps
kernel=$1 payload=$2 command=$3 output=$4 root=${5:-}

busybox=$(find "$deps/busybox" -name busybox -type f -perm -u+x 2>/dev/null | head -n 1)
[ -n "$busybox" ] || {
  echo "vmtest: no busybox: tools/vmtest/fetch.sh" >&2
  exit 2
}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# Copies the shared libraries of a program to where its loader looks for them; a static one has none. Those that were
# unpacked below .artifacts/deps have their place below that.
add_libraries() {
  folders=$(find "$deps" -name '*-linux-gnu' -path '*/lib/*' ! -path "$deps/qemu*/*" 2>/dev/null | paste -s -d :)
  LD_LIBRARY_PATH=$folders ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
    target=$stage/${library#"$deps"/*/}
    [ -e "$target" ] || install -D "$library" "$target"
  done
}

# A program goes to the guest's PATH, a library to its own place.
add_program() {
  path=$(command -v "$1") || {
    echo "vmtest: no program $1" >&2
    exit 2
  }
  case $path in
    *.so | *.so.*) install -D "$path" "$stage$path" ;;
    *) install -D "$path" "$stage/usr/bin/${path##*/}" ;;
  esac
  add_libraries "$path"
}

# The modules and what they depend on, in the order of loading. They may be compressed in the package.
add_modules() {
  tree=$(find "$kernel" -path '*/modules/*' -name kernel -type d | head -n 1)
  [ -n "$tree" ] || return 0
  mkdir -p "$stage/lib/modules"
  for module; do
    add_module "$module"
  done
}

# depmod has not run in an unpacked package, so that each module says itself what it needs.
add_module() {
  ! grep -qx "$1" "$stage/modules" 2>/dev/null || return 0
  file=$(find "$tree" -name "$1.ko*" -o -name "$(echo "$1" | tr _ -).ko*" | head -n 1)
  # What is not a module is built in, or the command will say what it misses.
  [ -n "$file" ] || return 0
  target=$stage/lib/modules/$1.ko
  case $file in
    *.xz) "$busybox" xz -dc "$file" > "$target" ;;
    *.zst) zstd -qdc "$file" > "$target" ;;
    *) cp "$file" "$target" ;;
  esac
  for needed in $(tr '\0' '\n' < "$target" | sed -n 's/^depends=//p' | tr ',' ' '); do
    add_module "$needed"
  done
  echo "$1" >> "$stage/modules"
}

# What a guest runs: programs of this machine with their libraries.
add_own_programs() {
  cp "$busybox" "$stage/bin/busybox"
  # Busybox's own shell takes its own ip and nsenter for the programs of that name, whatever PATH says.
  install -D "$(readlink -f /bin/sh)" "$stage/bin/sh"
  add_libraries /bin/sh
  for program in ${VMTEST_PROGRAMS-bpftool ip}; do
    add_program "$program"
  done
  find "$stage/payload" -type f -perm -u+x | while read -r program; do
    add_libraries "$program"
  done
}

add_root() {
  (cd "$root" && tar -c --exclude=./usr/share --exclude=./var --exclude=ready .) | tar -x -C "$stage"
}

mkdir -p "$stage/bin" "$stage/usr/bin" "$stage/proc" "$stage/sys" "$stage/dev" "$stage/tmp" "$stage/run" "$stage/etc"
cp "$here/init" "$stage/init"
cp -a "$payload" "$stage/payload"
printf '%s\n' "$command" > "$stage/command"
if [ -n "$root" ]; then add_root; else add_own_programs; fi
# shellcheck disable=SC2086
add_modules ${VMTEST_MODULES-veth}

(cd "$stage" && find . | "$busybox" cpio -o -H newc 2>/dev/null) | gzip -1 > "$output"
