#!/bin/sh
# What tools/test/cases/image.sh shows. Runs in mount and process namespaces of its own; needs FOLDER and CGROUP_NAME.
set -u
. tools/test/tap.sh
# shellcheck source=tools/test/stages/container.sh
. tools/test/stages/container.sh
PATH=$PWD/.artifacts/deps/bin:$PATH
export PATH
CGROUP=/sys/fs/cgroup/$CGROUP_NAME
manifest=deploy/base/daemonset.yaml
service=http://10.96.0.10
ports=40000-41999

until_true() {
  deadline=$(($(date +%s) + 30))
  until "$@"; do
    [ "$(date +%s)" -lt $deadline ] || return 1
    sleep 0.1
  done
}

make_node() {
  # As on a node of today; the runtime knows no hierarchy that is half of version 1.
  [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 none /sys/fs/cgroup
  mkdir -p "$FOLDER/node/bpf" "$FOLDER/node/run" "$FOLDER/config" "$FOLDER/manifests"
  mount --bind "$FOLDER/node" "$FOLDER/node"
  mount --make-rshared "$FOLDER/node"
  mkdir -p /run/netns
  mount -t tmpfs none /run/netns
  mount --make-rshared /run/netns
  ip netns add node
  ip netns add client
  ip -n node link add eth0 type veth peer name eth0 netns client
  ip -n node link set lo up
  ip -n node addr add 192.0.2.1/24 dev eth0
  ip -n node link set eth0 up
  ip -n client link set eth0 up
  ip -n node route add default via 192.0.2.2
  # Ports that have to be kept from the node's sockets, which the defaults need not.
  sed "s/^#masqueradePorts: .*/masqueradePorts: $ports/; s/^metricsBindAddress: .*/metricsBindAddress: 127.0.0.1:10249/" \
    deploy/base/config.yaml >"$FOLDER/config/config.yaml"
  # The service's one endpoint is what the daemon itself answers on.
  cat >"$FOLDER/manifests/service.yaml" <<'YAML'
apiVersion: v1
kind: Service
metadata: { name: health, namespace: default }
spec:
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  ports: [{ name: http, port: 80, protocol: TCP }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: health-1, namespace: default, labels: { kubernetes.io/service-name: health } }
addressType: IPv4
ports: [{ name: http, port: 10256, protocol: TCP }]
endpoints: [{ addresses: [192.0.2.1], conditions: { ready: true } }]
YAML
}

# unpack_image ARCHITECTURE FOLDER
unpack_image() {
  skopeo copy --quiet --insecure-policy --override-arch "$1" \
    oci-archive:.artifacts/image/ebpf-proxy.tar "oci:$FOLDER/layout:$1" &&
    umoci unpack --image "$FOLDER/layout:$1" "$FOLDER/unpacked-$1" &&
    mv "$FOLDER/unpacked-$1/rootfs" "$2"
}

# docker_image NAME:TAG: the architecture of the image that `docker load` would give this name
docker_image() {
  skopeo inspect --config --format '{{.Architecture}}' "docker-archive:.artifacts/image/ebpf-proxy.tar:$1"
}

# What it reads is hashed, by a library that is loaded when it is needed.
runs_emulated() {
  emulator=$(find .artifacts/deps/qemu-user/usr/bin -name 'qemu-aarch64' -o -name 'qemu-aarch64-static' | head -n 1)
  "$emulator" -L "$FOLDER/root-arm64" "$FOLDER/root-arm64/usr/bin/ebpf-proxy" run --hostname-override=node-a \
    "--config=$FOLDER/config/config.yaml" "--write-config-to=$FOLDER/effective.yaml" >"$FOLDER/emulated.log" 2>&1 &&
    grep -q '^kind: KubeProxyConfiguration' "$FOLDER/effective.yaml"
}

on_node() (
  echo 0 >"$CGROUP/clients/cgroup.procs"
  exec nsenter --net=/run/netns/node "$@"
)

asked() {
  on_node curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$service/livez"
}

is_answered() {
  [ "$(asked)" = 200 ]
}

is_logged() {
  grep -q -e "$2" "$FOLDER/$1.log"
}

# start_daemon NAME CAPABILITIES
start_daemon() {
  bundle "$1" daemon "$2" run --config=/etc/ebpf-proxy/config.yaml --hostname-override=node-a \
    --manifests=/manifests --cgroup-root="$CGROUP"
  run "$1" >"$FOLDER/$1.log" 2>&1 &
  daemon=$!
}

stop_daemon() {
  crun --root "$FOLDER/crun" kill "$1" KILL
  wait "$daemon"
}

without() {
  echo " $four " | sed "s/ $1 / /"
}

# check WITHOUT: the names of what is not as it should be with the daemon's capabilities but one
check() {
  bundle "check-$1" daemon "$(without "$1")" check --cgroup-root="$CGROUP"
  run "check-$1" >"$FOLDER/check-$1.log" 2>&1
  awk '/^CAP_/ && $2 != "ok" { print $1, $2 }' "$FOLDER/check-$1.log" | paste -s -d ' '
}

loads_everything() {
  interpreter=$(readelf -l "$FOLDER/root/usr/bin/ebpf-proxy" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
  for file in /usr/bin/ebpf-proxy "$(cd "$FOLDER/root" && find lib -name 'libssl.so.3' | sed 's|^|/|')"; do
    chroot "$FOLDER/root" "$interpreter" --list "$file" || return 1
  done >"$FOLDER/libraries" 2>&1
  ! grep -q 'not found' "$FOLDER/libraries"
}

# As the manifest has them.
four=$(sed -n 's/^ *add: \[\(.*\)\]$/\1/p' $manifest | tr -d ,)

version=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
plan 22
make_node
holds "other tools read the archive" unpack_image amd64 "$FOLDER/root"
holds "they find the image of the other architecture" unpack_image arm64 "$FOLDER/root-arm64"
holds "which runs" runs_emulated
is "docker finds the first by its name" amd64 "$(docker_image "ebpf-proxy:$version")"
is "docker finds the other one by its architecture's" arm64 "$(docker_image "ebpf-proxy:$version-arm64")"
holds "everything that is loaded is in the image" loads_everything

start_daemon early "$four"
holds "without the first container the daemon says what it needs" until_true is_logged early --init-only
stop_daemon early

bundle first first "$four DAC_OVERRIDE" run --init-only --config=/etc/ebpf-proxy/config.yaml \
  --hostname-override=node-a --cgroup-root="$CGROUP"
run first >"$FOLDER/first.log" 2>&1
is "the first container succeeds" 0 $?
is "its mount is there on the node" bpf "$(stat -f -c %T "$FOLDER/node/bpf" | sed 's/_fs//')"
is "its ports are kept from the node's sockets" $ports "$(on_node cat /proc/sys/net/ipv4/ip_local_reserved_ports)"

is "check has nothing against the manifest's capabilities" "" "$(check NONE)"
is "check succeeds with them" 0 "$(grep -c ' missing ' "$FOLDER/check-NONE.log")"
is "check names BPF" "CAP_BPF absent" "$(check BPF)"
is "check names PERFMON" "CAP_PERFMON absent" "$(check PERFMON)"
is "check names NET_ADMIN" "CAP_NET_ADMIN missing" "$(check NET_ADMIN)"
is "check names SYS_ADMIN" "CAP_SYS_ADMIN absent" "$(check SYS_ADMIN)"

start_daemon daemon "$four"
holds "the daemon of four capabilities serves a service" until_true is_answered
ip netns add pod
pid=$(crun --root "$FOLDER/crun" state daemon | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
holds "it sees a network namespace that comes later" grep -q '^.*net:.* /run/netns/pod ' "/proc/$pid/mountinfo"
stop_daemon daemon
is "the service is there without it, and its endpoint is not" 000 "$(asked)"
start_daemon again "$(without SYS_ADMIN)"
holds "a daemon without SYS_ADMIN takes up what was there" until_true is_answered
stop_daemon again

bundle cleanup first "$four DAC_OVERRIDE" cleanup
run cleanup >"$FOLDER/cleanup.log" 2>&1
holds "nothing of it is left after cleanup" [ ! -e "$FOLDER/node/bpf/ebpf-proxy" ]
is "the ports are given back" "" "$(on_node cat /proc/sys/net/ipv4/ip_local_reserved_ports)"
