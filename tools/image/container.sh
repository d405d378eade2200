#!/bin/sh
# The two steps of deploy/image/Containerfile, for the architecture that is asked for: the machine's own, and arm64 on amd64.
#   container.sh deps [ARCHITECTURE]           gets what the build needs
#   container.sh build FOLDER [ARCHITECTURE]   leaves the files of the image in FOLDER
# Without an ARCHITECTURE, or with an empty one, it is the machine's own.
set -eu
cd "$(dirname "$0")/../.."
own=$(dpkg --print-architecture)

fail() {
  echo "image: $*" >&2
  exit 1
}

# target [ARCHITECTURE]: the architecture that is meant
target() {
  case ${1:-$own} in
    "$own") echo "$own" ;;
    arm64)
      [ "$own" = amd64 ] || fail "arm64 is made on arm64 and amd64, not on $own"
      echo arm64
      ;;
    *) fail "$1 is made on $1 alone, not on $own" ;;
  esac
}

deps() {
  target=$(target "$@")
  rows="bpftool libbpf libelf image-$target"
  [ "$target" = "$own" ] || rows="$rows lld sysroot-$target libbpf-$target libelf-$target"
  DEPS_ONLY=$rows make deps
}

build() {
  folder=${1:?where to}
  shift
  target=$(target "$@")
  if [ "$target" = "$own" ]; then
    make build
    binary=.artifacts/ebpf-proxy
  else
    make bpf
    DOTNET=$(tools/deps/dotnet.sh find) tools/image/cross.sh
    binary=.artifacts/ebpf-proxy-$target
  fi
  tools/image/root.sh "$binary" ".artifacts/deps/image-$target" "$folder"
}

case ${1:-} in
  deps | build) "$@" ;;
  *) fail "see the head of $0" ;;
esac
