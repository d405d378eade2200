#!/bin/sh
# Runs in a guest, in a folder with BPF objects: loads every program there, attaches those of sockets to a cgroup, and
# takes all of it away again. Says how many; the first program that the kernel refuses ends it with the verifier's last
# lines.
set -eu

[ "$PWD" = /payload ] || {
  echo "attach.sh: only in a guest, whose network and root cgroup it changes: tools/vmtest/check.sh" >&2
  exit 2
}

cgroup=/sys/fs/cgroup/attach
pins=/sys/fs/bpf/attach
mkdir -p "$cgroup" "$pins"
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
      *) continue ;;
    esac
    bpftool cgroup attach "$cgroup" "$type" pinned "$pin"
  done
done
rm -rf "$pins"
rmdir "$cgroup"
echo "$(uname -r): $programs programs loaded"
