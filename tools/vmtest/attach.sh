#!/bin/sh
# Runs in a guest, in a folder with BPF objects: loads every program there and attaches those of sockets to a cgroup.
# The last line says how many; the first program that the kernel refuses ends it with the verifier's last lines.
set -eu

cgroup=/sys/fs/cgroup/attach
mkdir -p "$cgroup"
programs=0
for object in *.bpf.o; do
  name=${object%.bpf.o}
  pins=/sys/fs/bpf/$name
  bpftool prog loadall "$object" "$pins" 2> /tmp/log || {
    tail -n 20 /tmp/log
    exit 1
  }
  for pin in "$pins"/*; do
    programs=$((programs + 1))
    program=${pin##*/}
    case $program in
      proxy_connect[46] | proxy_sendmsg[46] | proxy_recvmsg[46] | proxy_getpeername[46]) type=${program#proxy_} ;;
      proxy_sock_release) type=sock_release ;;
      *) continue ;;
    esac
    bpftool cgroup attach "$cgroup" "$type" pinned "$pin"
  done
done
echo "$(uname -r): $programs programs loaded"
