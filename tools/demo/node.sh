# shellcheck shell=sh
# A node on this machine: network namespaces that a bridge joins, a part of the cgroup tree, a BPF filesystem.
# Needs DEMO_CGROUP and DEMO_FOLDER, and a mount namespace of its own.

bpffs=$DEMO_FOLDER/bpf
tables=$bpffs/ebpf-proxy/tables-v1

program() {
  if [ -x ".artifacts/deps/bin/$1" ]; then echo ".artifacts/deps/bin/$1"; else command -v "$1"; fi
}

# enter CGROUP NAMESPACE COMMAND...: this process becomes the command. What cgroup a socket belongs to is decided when
# it is made, so joining comes first. Not `ip netns exec`: it mounts another /sys, without cgroups and pins.
enter() {
  echo 0 >"$DEMO_CGROUP/$1/cgroup.procs"
  network=/run/netns/$2
  shift 2
  exec nsenter --net="$network" "$@"
}

in_node() (
  enter daemon node "$@"
)

in_pod() (
  enter pods "$@"
)

make_node() {
  mkdir -p /run/netns "$bpffs"
  mount -t tmpfs none /run/netns
  mount -t bpf none "$bpffs"
  ip netns add node
  ip -n node link set lo up
  ip -n node link add br0 type bridge
  ip -n node addr add 10.244.0.1/24 dev br0
  ip -n node link set br0 up
}

add_pod() {
  ip netns add "$1"
  ip -n "$1" link set lo up
  ip -n node link add "$1" type veth peer name eth0 netns "$1"
  ip -n node link set "$1" master br0 up
  ip -n "$1" addr add "$2/24" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$1" route add default via 10.244.0.1
}

start_nginx() {
  home=$DEMO_FOLDER/$1
  mkdir -p "$home"
  cat >"$home/nginx.conf" <<CONF
daemon off;
user nobody nogroup;
pid nginx.pid;
error_log stderr warn;
events { }
http {
  access_log off;
  client_body_temp_path tmp-body;
  proxy_temp_path tmp-proxy;
  fastcgi_temp_path tmp-fastcgi;
  uwsgi_temp_path tmp-uwsgi;
  scgi_temp_path tmp-scgi;
  server {
    listen 80;
    location / { return 200 "$1\n"; }
  }
}
CONF
  (enter pods "$1" "$(program nginx)" -p "$home" -c nginx.conf -e stderr) >"$home/log" 2>&1 &
}

stop_nginx() {
  kill -QUIT "$(cat "$DEMO_FOLDER/$1/nginx.pid")"
}

start_daemon() {
  (enter daemon node .artifacts/ebpf-proxy run \
    --manifests "$DEMO_FOLDER/manifests" \
    --hostname-override demo \
    --cgroup-root "$DEMO_CGROUP" \
    --bpffs "$bpffs" \
    --metrics-bind-address 127.0.0.1:10249 \
    --healthz-bind-address 127.0.0.1:10256) >>"$DEMO_FOLDER/daemon.log" 2>&1 &
  daemon=$!
}

kill_daemon() {
  kill -KILL "$daemon"
  wait "$daemon" 2>/dev/null || true
}

is_ready() {
  in_node curl --silent --fail --output /dev/null http://127.0.0.1:10256/readyz
}

metrics() {
  in_node curl --silent --fail http://127.0.0.1:10249/metrics
}

ebpf_proxy() {
  in_node .artifacts/ebpf-proxy "$@" --bpffs "$bpffs"
}

# dump TABLE PATTERN: one line an element that has the pattern; arrays have a place for many more than are in use.
dump() {
  "$(program bpftool)" map dump pinned "$tables/$1" | tr -d ' \t\n' | sed 's/},{"key"/}\n{"key"/g; s/^\[//; s/\]$//' |
    grep -E "$2"
}
