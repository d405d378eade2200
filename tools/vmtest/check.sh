#!/bin/sh
# What other kernels do with the product: loads and attaches every program of .artifacts/bpf (attach.sh), then the main
# job with .artifacts/ebpf-proxy, for sockets (answers.sh) and for packets (packets.sh), in the place of kube-proxy
# (takeover.sh, and ipvs.sh for its mode ipvs), for sockets that the kernel owns (kernelsockets.sh), and without IPv6
# (ipv4only.sh).
#
#   tools/vmtest/check.sh [KERNEL...]     5.10 and newest by default; fetch.sh gets them, and tools/image/cross.sh the
#                                         binary of another architecture, as in newest:arm64
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
artifacts=$root/.artifacts
[ $# -gt 0 ] || set -- 5.10 newest

need() {
  [ -e "$1" ] || {
    echo "vmtest: no $1: $2" >&2
    exit 2
  }
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# payload ARCHITECTURE: what a guest of it has, in a folder of that name
payload() {
  folder=$work/$1
  [ ! -d "$folder" ] || return 0
  if [ "$1" = "$own" ]; then
    binary=$artifacts/ebpf-proxy how="make build" compiler=${CC:-cc}
  else
    binary=$artifacts/ebpf-proxy-$1 how=tools/image/cross.sh
    compiler="clang --target=aarch64-linux-gnu --sysroot=$artifacts/deps/sysroot-$1 --ld-path=$artifacts/deps/bin/ld.lld"
  fi
  need "$artifacts/bpf/tc.bpf.o" "make build"
  need "$binary" "$how"
  mkdir "$folder"
  cp "$artifacts"/bpf/*.bpf.o "$folder"
  cp "$binary" "$folder/ebpf-proxy"
  for script in attach answers packets takeover ipvs kernelsockets ipv4only node; do
    cp "$here/$script.sh" "$folder"
  done
  # shellcheck disable=SC2086 # the compiler and its options
  $compiler -O2 -Wall -Wextra -Werror -static -o "$folder/probe" "$here"/*.c
}

own=$(dpkg --print-architecture)
bpftool=$artifacts/deps/bpftool/usr/sbin/bpftool
[ -x "$bpftool" ] || bpftool=bpftool
nft=$artifacts/deps/nftables/usr/sbin/nft
[ -x "$nft" ] || nft=nft
# What the binary opens only when it runs: libbpf, where that could not be linked in. Not libssl: a folder of manifests
# needs none.
opened=$(find /usr/lib /usr/lib64 -name libbpf.so.1 2>/dev/null | paste -s -d ' ')

ipvs="$artifacts/deps/iptables/sbin/ipvsadm $artifacts/deps/iptables/usr/sbin/ipset"

export VMTEST_PROGRAMS="$bpftool ip tc $nft $ipvs $opened" VMTEST_DEADLINE="${VMTEST_DEADLINE:-900}"

# modules COMMAND: what programs are attached by where there is no tcx, and what only this command needs
modules() {
  echo "veth sch_ingress cls_bpf"
  case $1 in
    *packets*) echo "sctp sch_netem bonding 8021q ip_gre ipip sit ebtable_filter nf_tables" ;;
    *takeover*) echo "nf_conntrack_netlink nf_tables nft_chain_nat nft_nat nft_masq" ;;
    *ipvs*) echo "dummy ip_vs ip_vs_rr ip_set ip_set_hash_ip ip_set_hash_ipport" ;;
    *kernelsockets*) echo "nfsv4 cifs ceph" ;;
  esac
}

# append COMMAND: what the kernel is started with for it
append() {
  case $1 in
    *ipv4only*) echo ipv6.disable=1 ;;
  esac
}

# commands KERNEL: connection tracking is followed only where programs cannot ask it, which the oldest kernel shows; what is
# the same on all kernels is tried on the newest.
commands() {
  echo './attach.sh&&./answers.sh ./packets.sh'
  case $1 in
    5.10) echo ./takeover.sh ;;
    newest) echo ./ipvs.sh ./kernelsockets.sh ./ipv4only.sh ;;
  esac
}

failed=0
for kernel; do
  case $kernel in *:*) architecture=${kernel##*:} ;; *) architecture=$own ;; esac
  payload "$architecture"
  for command in ${VMTEST_ONLY:-$(commands "$kernel")}; do
    VMTEST_MODULES=$(modules "$command") VMTEST_APPEND=$(append "$command") "$here/run.sh" "$kernel" "$work/$architecture" "$command" && continue
    echo "vmtest: $kernel: failed: $command" >&2
    failed=1
  done
done
exit $failed
