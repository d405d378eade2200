#!/bin/sh
# Runs in a guest, beside ebpf-proxy and probe: the main job on this kernel. The guest's root cgroup is the node; its
# backends are two network namespaces, its clients the node's own. Says each thing that it saw; ends at the first that
# is not so, with the daemon's last lines. Emulation is slow, so nothing is timed and deadlines are generous.
set -eu

[ "$PWD" = /payload ] || {
  echo "answers.sh: only in a guest, whose network and root cgroup it changes: tools/vmtest/check.sh" >&2
  exit 2
}

# shellcheck source=tools/vmtest/node.sh
. ./node.sh
main=10.96.0.10 main6=fd00:96::10 changing=10.96.0.20 empty=10.96.0.30

# backend NAME NUMBER: a pod whose port 8080 is the main service's, 8081 the changing ones', so that an answer tells whose
# backend it was.
backend() {
  pod "$1" "$2"
  ip netns exec "$1" ./probe serve "$1" 8080 &
  ip netns exec "$1" ./probe serve "changing-$1" 8081 &
}

# service NAME PORT ADDRESS...: TCP and UDP on port 80
service() {
  name=$1 port=$2
  shift 2
  families=
  addresses=
  for address; do
    case $address in *:*) family=IPv6 ;; *) family=IPv4 ;; esac
    families="${families:+$families, }$family" addresses="${addresses:+$addresses, }\"$address\""
  done
  cat > "$manifests/$name.yaml" <<YAML
apiVersion: v1
kind: Service
metadata: { name: $name, namespace: default }
spec:
  clusterIP: "$1"
  clusterIPs: [$addresses]
  ipFamilies: [$families]
  ports:
    - { name: tcp, protocol: TCP, port: 80, targetPort: $port }
    - { name: udp, protocol: UDP, port: 80, targetPort: $port }
YAML
}

# endpoints NAME PORT FAMILY ADDRESS...: written aside and moved, as an editor does.
endpoints() {
  file=$manifests/$1-$3.yaml
  cat > /tmp/slice <<YAML
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: $1-$3, namespace: default, labels: { kubernetes.io/service-name: $1 } }
addressType: $3
ports:
  - { name: tcp, protocol: TCP, port: $2 }
  - { name: udp, protocol: UDP, port: $2 }
YAML
  shift 3
  if [ $# -gt 0 ]; then echo "endpoints:"; else echo "endpoints: []"; fi >> /tmp/slice
  for address; do
    echo "  - { addresses: [\"$address\"], conditions: { ready: true } }" >> /tmp/slice
  done
  mv /tmp/slice "$file"
}

# What 40 requests see, each line once. One of two backends stays unmet with 2^-39.
seen() {
  ./probe ask "$1" "$2" 80 40 | sort -u | paste -s -d ,
}

# sees HOW ADDRESS PEER BACKENDS...
sees() {
  how=$1 address=$2 peer=$3
  shift 3
  expected=$(printf "%s from $peer\n" "$@" | paste -s -d ,)
  actual=$(seen "$how" "$address")
  [ "$actual" = "$expected" ] || fail "$how to $address is answered by \"$expected\": \"$actual\""
}

every_way() {
  for how in tcp udp sendto; do
    sees "$how" "$main" "$main:80" "$@"
    sees "$how" "$main6" "[$main6]:80" "$@"
    sees "$how" "::ffff:$main" "[::ffff:$main]:80" "$@"
  done
}

# is_refused HOW ERROR...
is_refused() {
  how=$1
  shift
  actual=$(seen "$how" "$empty")
  for expected; do
    [ "$actual" != "$expected" ] || return 0
  done
  fail "$how to a service without endpoints is refused with $*: \"$actual\""
}

is_answered_by() {
  [ "$(./probe ask tcp "$1" 80 1)" = "$2 from $1:80" ]
}

start_load() {
  rm -f /tmp/seen /tmp/end
  ./probe load "$main" 80 /tmp/seen /tmp/end b1 b2 > /tmp/load &
  load=$!
  until_true test -e /tmp/seen || fail "the load begins"
}

end_load() {
  touch /tmp/end
  wait "$load" || fail "$1: $(cat /tmp/load)"
  said "$1: none of $(cat /tmp/load) failed or met a foreign backend"
}

is_only_b2() {
  [ "$(seen tcp "$main")" = "b2 from $main:80" ]
}

is_translated() {
  ./probe ask tcp "$main" 80 1 | grep -q ' from '
}

mkdir "$manifests"
ip link set lo up
backend b1 1
backend b2 2
service main 8080 "$main" "$main6"
endpoints main 8080 IPv4 10.244.0.11 10.244.0.12
endpoints main 8080 IPv6 fd00:244::11 fd00:244::12
service changing 8081 "$changing"
endpoints changing 8081 IPv4 10.244.0.11
service empty 8080 "$empty"

# What the kernel calls for a module.
mkdir -p /sbin
printf '#!/bin/sh\necho "$@" >> /tmp/modules\nexit 1\n' > /sbin/modprobe
chmod +x /sbin/modprobe

./ebpf-proxy check --bpffs /sys/fs/bpf > /tmp/check || {
  cat /tmp/check
  fail "check finds this node fit"
}
start_daemon /sys/fs/cgroup
until_true is_ready || fail "the daemon becomes ready"
[ -e /proc/sys/net/netfilter/nf_conntrack_max ] || grep -q -e net-pf-16-proto-12 -e nfnetlink-subsys-1 /tmp/modules ||
  fail "connection tracking is loaded: $(cat /tmp/modules)"
every_way b1 b2
said "TCP, UDP and sendto, IPv4, IPv6 and v4-mapped: both backends answer, the peer is the service"

is_refused tcp ECONNREFUSED
is_refused udp ECONNREFUSED
case $kernel in
  5.1[0-7].*) is_refused sendto EPERM ECONNREFUSED ;;
  *) is_refused sendto ECONNREFUSED ;;
esac
said "a service without endpoints is refused"

start_load
for round in 1 2 3 4 5; do
  for number in 2 1; do
    endpoints changing 8081 IPv4 "10.244.0.1$number"
    until_true is_answered_by "$changing" "changing-b$number" || fail "change $round is followed"
  done
done
end_load "10 changes of another service"

# The services and their ids, without the connections that come and go.
services() {
  ./ebpf-proxy service list -o json | grep -v -e '"active"' -e '"closing"'
}

services > /tmp/before
start_load
kill_daemon
every_way b1 b2
start_daemon /sys/fs/cgroup
until_true is_ready || fail "the daemon becomes ready again"
services > /tmp/after
diff /tmp/before /tmp/after || fail "the restarted daemon keeps the services and their ids"
endpoints main 8080 IPv4 10.244.0.12
until_true is_only_b2 || fail "the restarted daemon follows changes"
end_load "kill -9 and restart"
said "the restarted daemon keeps the services and their ids"

kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ends well"
sees tcp "$main" "$main:80" b2
./ebpf-proxy cleanup --bpffs /sys/fs/bpf > /dev/null
until_true nothing_is_left || fail "cleanup leaves nothing: $(in_kernel; find /sys/fs/bpf)"
! is_translated || fail "after cleanup nothing is translated"
said "cleanup leaves nothing"
