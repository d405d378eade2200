#!/bin/sh
# Runs in a guest, beside ebpf-proxy and probe: sockets that the kernel owns, of mounts by NFS, SMB and Ceph whose server is
# a cluster IP. The hooks see them connect and leave them alone; their packets are translated at the devices. The server
# behind the service answers nonsense, so that no mount comes about. Says each thing that it saw; ends at the first that is
# not so.
set -eu

[ "$PWD" = /payload ] || {
  echo "kernelsockets.sh: only in a guest, whose network and root cgroup it changes: tools/vmtest/check.sh" >&2
  exit 2
}

# shellcheck source=tools/vmtest/node.sh
. ./node.sh
server=10.96.0.49
# As /proc/net/tcp writes them: the service, the pod, the node's address towards the pod.
server_hex=3100600A pod_hex=1100F40A node_hex=0100F40A

# is_connected_to ADDRESS:PORT: whether a socket of the node is, or was: the client of SMB hangs up within a fifth of a
# second, and leaves it in TIME_WAIT. Not one that is still to be answered (state 02).
is_connected_to() {
  awk -v there="$1" '$4 != "02" && $3 == there { found = 1 } END { exit !found }' /proc/net/tcp
}

# From which ports of the node the pod's server is connected to.
seen_ports() {
  ip netns exec served cat /proc/net/tcp6 |
    awk -v there="$node_hex:" '$4 == "01" && index($3, there) { sub(/.*:/, "", $3); print $3 }' |
    while read -r port; do echo $((0x$port)); done
}

has_opened() {
  [ "$(events connection_opened)" -gt "$1" ]
}

# mounts NAME PORT TYPE OPTIONS SOURCE: a mount of the kernel's client connects, and what becomes of its packets
mounts() {
  name=$1
  port_hex=$(printf %04X "$2")
  shift
  opened=$(events connection_opened)
  at_socket=$(events translated)
  mkdir "/tmp/$name"
  mount -t "$2" -o "$3" "$4" "/tmp/$name" 2> "/tmp/$name.log" &
  mount=$!
  until_true is_connected_to "$server_hex:$port_hex" ||
    fail "the socket of the mount by $name keeps the service's address: $(cat /proc/net/tcp; cat "/tmp/$name.log")"
  has_opened "$opened" || fail "the packets of the mount by $name are translated at the device"
  [ "$(events translated)" = "$at_socket" ] || fail "the mount by $name is not translated at the socket"
  ! is_connected_to "$pod_hex:$port_hex" || fail "no socket of the node has the pod's address"
  for port in $(seen_ports); do
    { [ "$port" -ge 1024 ] && [ "$port" -le 29999 ]; } || fail "the pod sees the node with a port to masquerade with: $port"
  done
  said "a mount by $name from a cluster IP keeps that address on its socket, and reaches a pod by the packet path"
  kill -KILL $mount 2> /dev/null || true
  wait $mount 2> /dev/null || true
}

mkdir "$manifests"
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link set lo up
pod served 7
for port in 2049 445 6789; do
  ip netns exec served ./probe mirror tcp $port &
done
cat > "$manifests/files.yaml" <<YAML
apiVersion: v1
kind: Service
metadata: { name: files, namespace: default }
spec:
  clusterIP: "$server"
  clusterIPs: ["$server"]
  ports:
    - { name: nfs, protocol: TCP, port: 2049, targetPort: 2049 }
    - { name: smb, protocol: TCP, port: 445, targetPort: 445 }
    - { name: ceph, protocol: TCP, port: 6789, targetPort: 6789 }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: files, namespace: default, labels: { kubernetes.io/service-name: files } }
addressType: IPv4
ports:
  - { name: nfs, protocol: TCP, port: 2049 }
  - { name: smb, protocol: TCP, port: 445 }
  - { name: ceph, protocol: TCP, port: 6789 }
endpoints:
  - { addresses: ["10.244.0.17"], nodeName: guest, conditions: { ready: true } }
YAML

# The hooks are those of the root cgroup: the kernel's own threads connect, too. Packets to the cluster IP have a way.
ip route add default via 10.244.0.17 dev served onlink
start_daemon /sys/fs/cgroup --node-ip 10.244.0.1 --cluster-cidr 10.244.0.0/16
until_true is_ready || fail "the daemon becomes ready"

before=$(events translated)
are "2 messages" ./probe talk tcp $server 2049 64 2
[ "$(events translated)" -gt "$before" ] || fail "a process of the node is translated at the socket"
said "a process of the node gets the pod at its socket"

mounts NFS 2049 nfs4 "addr=$server,clientaddr=10.244.0.1,vers=4.2,proto=tcp,sec=sys,soft,timeo=50,retrans=1" "$server:/"
mounts SMB 445 cifs "ip=$server,username=probe,password=none,vers=3.0,echo_interval=1" "//$server/files"
mounts Ceph 6789 ceph "name=probe,secret=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==,mount_timeout=10" "$server:6789:/"

kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ends well"
./ebpf-proxy cleanup --bpffs /sys/fs/bpf > /dev/null
until_true nothing_is_left || fail "cleanup leaves nothing: $(in_kernel; find /sys/fs/bpf)"
said "cleanup leaves nothing"
