#!/bin/sh
# Runs in a guest, in a folder with BPF objects: loads every program there, attaches those of sockets to a cgroup, those of
# packets to a device, and takes all of it away again. Says how many; the first program that the kernel refuses ends it
# with the verifier's last lines.
set -eu

[ "$PWD" = /payload ] || {
  echo "attach.sh: only in a guest, whose network and root cgroup it changes: tools/vmtest/check.sh" >&2
  exit 2
}

cgroup=/sys/fs/cgroup/attach
pins=/sys/fs/bpf/attach
device=attach0
mkdir -p "$cgroup" "$pins"
ip link add "$device" type veth peer name attach1
tc qdisc add dev "$device" clsact

# attach_packets DIRECTION PIN: by clsact, and by tcx where there is that
attach_packets() {
  tc filter add dev "$device" "$1" bpf direct-action object-pinned "$2"
  case $(uname -r) in
    5.* | 6.[0-5].*) ;;
    *) bpftool net attach "tcx_$1" pinned "$2" dev "$device" ;;
  esac
}

programs=0
for object in *.bpf.o; do
  folder=$pins/${object%.bpf.o}
  bpftool prog loadall "$object" "$folder" 2> /tmp/log || {
    tail -n 20 /tmp/log
    exit 1
  }
  for pin in "$folder"/*; do
    programs=$((programs + 1))
    program=${pin##*/}
    case $program in
      proxy_bind[46] | proxy_connect[46] | proxy_sendmsg[46] | proxy_recvmsg[46] | proxy_getpeername[46]) type=${program#proxy_} ;;
      proxy_sock_release) type=sock_release ;;
      proxy_sock_ops) type=sock_ops ;;
      proxy_ingress* | proxy_egress*)
        direction=${program#proxy_}
        attach_packets "${direction%_ip}" "$pin"
        continue
        ;;
      *) continue ;;
    esac
    bpftool cgroup attach "$cgroup" "$type" pinned "$pin"
  done
done
ip link del "$device"
rm -rf "$pins"
rmdir "$cgroup"
echo "$(uname -r): $programs programs loaded"
