#!/bin/sh
# Leaves .artifacts/ebpf-proxy-arm64, made on amd64: compiler and run-time come from NuGet, what it is linked with from
# packages of the other architecture (tools/deps/unpacked.txt), lld links. The BPF objects are the same for both.
set -eu
cd "$(dirname "$0")/../.."
deps=$PWD/.artifacts/deps
static=$deps/static-arm64
sysroot=$deps/sysroot-arm64

# A package has its libraries in /lib or /usr/lib; linker scripts name them in /lib.
[ -e "$sysroot/lib" ] || ln -s usr/lib "$sysroot/lib"
mkdir -p "$static"
cp "$deps/libbpf-arm64/usr/lib/aarch64-linux-gnu/libbpf.a" "$deps/libelf-arm64/usr/lib/aarch64-linux-gnu/libelf.a" \
  "$deps/libelf-arm64/usr/lib/aarch64-linux-gnu/libz.a" "$static/"

PATH=$deps/bin:$PATH "${DOTNET:-dotnet}" publish src/EbpfProxy/EbpfProxy.csproj -c "${CONFIGURATION:-Release}" -v quiet \
  -r linux-arm64 -p:CppCompilerAndLinker=clang -p:LinkerFlavor=lld "-p:SysRoot=$sysroot" "-p:StaticLibraries=$static"
published=.artifacts/publish/EbpfProxy/$(echo "${CONFIGURATION:-Release}" | tr '[:upper:]' '[:lower:]')_linux-arm64
install -D "$published/ebpf-proxy" .artifacts/ebpf-proxy-arm64
