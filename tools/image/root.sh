#!/bin/sh
# The files of the image for one architecture: the native binary, what it loads and a bundle of certificates.
#   root.sh BINARY PACKAGES FOLDER
# PACKAGES is a folder with unpacked packages (see tools/deps/unpacked.txt), FOLDER is made.
set -eu
cd "$(dirname "$0")/../.."
binary=$1 packages=$2 folder=$3

fail() {
  echo "image: $*" >&2
  exit 1
}

needed() {
  readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

loader() {
  readelf -l "$binary" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p'
}

# What is needed, and what that needs, one name a line. A loader looks for them beside libc.
collect() {
  for name in "$@"; do
    [ ! -e "$libraries/$name" ] || continue
    found=$(find "$packages" -name "$name" \( -type f -o -type l \) | head -n 1)
    [ -n "$found" ] || fail "$name is in none of the packages in $packages"
    cp -L "$found" "$libraries/$name"
    # shellcheck disable=SC2046 # one word a library
    collect $(needed "$libraries/$name")
  done
}

rm -rf "$folder"
libc=$(find "$packages" -name libc.so.6 -printf '%h\n' | head -n 1)
[ -n "$libc" ] || fail "no libc in $packages"
libraries=$folder/lib/${libc##*/}
mkdir -p "$libraries" "$folder/usr/bin" "$folder/etc/ssl/certs" "$folder/usr/share/doc/ebpf-proxy"

install -m 755 "$binary" "$folder/usr/bin/ebpf-proxy"
# TLS to the API server is loaded when it is needed, so that the binary does not name it.
# shellcheck disable=SC2046 # one word a library
collect $(needed "$binary") libssl.so.3
interpreter=$(loader)
if [ ! -e "$folder$interpreter" ]; then
  mkdir -p "$folder${interpreter%/*}"
  mv "$libraries/${interpreter##*/}" "$folder$interpreter"
fi
chmod 755 "$folder$interpreter"

find "$packages/usr/share/ca-certificates" -name '*.crt' | sort | xargs cat >"$folder/etc/ssl/certs/ca-certificates.crt"
# The names of an API server: glibc asks DNS first without it.
echo "hosts: files dns" >"$folder/etc/nsswitch.conf"

# Whose work is in it, under which terms.
cp LICENSE "$folder/usr/share/doc/ebpf-proxy/"
for doc in "$packages"/usr/share/doc/*/copyright .artifacts/deps/libbpf/usr/share/doc/libbpf-dev/copyright \
  .artifacts/deps/libelf/usr/share/doc/*/copyright; do
  package=${doc%/copyright}
  package=${package##*/}
  mkdir -p "$folder/usr/share/doc/$package"
  cp -L "$doc" "$folder/usr/share/doc/$package/copyright"
done
