#!/bin/sh
# Leaves .artifacts/image/ebpf-proxy.tar, an OCI archive of what was built, and says what is in it.
set -eu
cd "$(dirname "$0")/../.."
deps=.artifacts/deps
image=.artifacts/image
limit=$((40 * 1024 * 1024))

fail() {
  echo "image: $*" >&2
  exit 1
}

[ -f $deps/static/libbpf.a ] || fail "libbpf is not linked into the binary here ($deps/static.log says why), and the image has none"
version=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

mkdir -p $image
[ "$(dpkg --print-architecture)" != amd64 ] || tools/image/cross.sh
images=
for architecture in amd64 arm64; do
  binary=.artifacts/ebpf-proxy-$architecture
  [ "$architecture" != "$(dpkg --print-architecture)" ] || binary=.artifacts/ebpf-proxy
  if [ ! -f "$binary" ] || [ ! -d "$deps/image-$architecture" ]; then continue; fi
  tools/image/root.sh "$binary" "$deps/image-$architecture" "$image/$architecture"
  size=$(du -s --apparent-size -B 1 "$image/$architecture" | cut -f 1)
  echo "image: $architecture, $((size / 1024)) KiB"
  [ "$size" -le "$limit" ] || fail "$architecture is larger than $((limit / 1024)) KiB"
  images="$images $architecture=$image/$architecture"
done
[ -n "$images" ] || fail "no binary to put into it: make build"
# shellcheck disable=SC2086 # one word an architecture
tools/image/oci.sh $image/ebpf-proxy.tar ebpf-proxy "$version" $images
ls -l $image/ebpf-proxy.tar
