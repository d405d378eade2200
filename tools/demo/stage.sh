#!/bin/sh
# What the demo shows. Runs in mount and process namespaces of its own (demo.sh).
set -eu
# shellcheck source=tools/demo/node.sh
. tools/demo/node.sh
trap 'exit 130' INT TERM

service=10.96.0.10
endpoints=$DEMO_FOLDER/manifests/my-service-endpoints.yaml

heading() {
  if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

fail() {
  echo "demo: $*" >&2
  echo "demo: the last lines of the daemon:" >&2
  tail -n 20 "$DEMO_FOLDER/daemon.log" >&2
  exit 1
}

# requests N: one line each, "my-app-1", or why it failed. Every request is a connection of its own.
requests() {
  in_pod client curl --silent --show-error --fail --max-time 5 --header 'Connection: close' \
    --write-out '%{onerror}failed: %{errormsg}\n' "http://$service/?[1-$1]" 2>/dev/null || true
}

tally() {
  sort | uniq -c | awk '{ n = $1; $1 = ""; printf "  %5d x%s\n", n, $0 }'
}

# A set with a member that no one of 60 requests meets is without that member: (2/3)^60 is 3e-11.
is_gone() {
  ! requests 60 | grep -q "$1"
}

# until_true SECONDS COMMAND...
until_true() {
  deadline=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt $deadline ] || return 1
    sleep 0.2
  done
}

answers() {
  requests 1 | grep -q my-app
}

cp -r deploy/demo "$DEMO_FOLDER/manifests"
heading "A node with three nginx pods, a client pod and the daemon"
make_node
for number in 1 2 3; do
  add_pod "my-app-$number" "10.244.0.1$number"
  start_nginx "my-app-$number"
done
add_pod client 10.244.0.20
start_daemon
until_true 60 answers || fail "http://$service/ does not answer"
echo "  my-service is $service port 80; its pods are 10.244.0.11, .12 and .13. No device has the address $service"
echo "  and no rule of iptables or nftables knows it: the client's connect() is given a pod's address by BPF."
echo "  What curl thinks it is connected to: $(in_pod client curl -s -o /dev/null -w '%{remote_ip}:%{remote_port}' "http://$service/")"

heading "300 requests to http://$service/"
requests 300 >"$DEMO_FOLDER/first"
tally <"$DEMO_FOLDER/first"
[ "$(grep -c '^my-app-[123]$' "$DEMO_FOLDER/first")" = 300 ] || fail "not every request was answered"
[ "$(sort -u "$DEMO_FOLDER/first" | wc -l)" = 3 ] || fail "not every pod was asked"

heading "my-app-3 leaves: its address is taken out of the manifest, under load"
(while [ ! -e "$DEMO_FOLDER/stop" ]; do requests 50; done >"$DEMO_FOLDER/load") &
load=$!
until_true 30 grep -q my-app-3 "$DEMO_FOLDER/load" || fail "no request met my-app-3"
sed '/10\.244\.0\.13/,/nodeName/d' "$endpoints" >"$DEMO_FOLDER/edited"
diff "$endpoints" "$DEMO_FOLDER/edited" | sed -n 's/^[<>]/  &/p' || true
mv "$DEMO_FOLDER/edited" "$endpoints"
until_true 30 is_gone my-app-3 || fail "my-app-3 is still asked"
stop_nginx my-app-3
requests 300 >"$DEMO_FOLDER/second"
touch "$DEMO_FOLDER/stop"
wait "$load"
echo "  300 requests after that, with my-app-3 stopped:"
tally <"$DEMO_FOLDER/second"
echo "  and those that were under way from before the change until now:"
tally <"$DEMO_FOLDER/load"
! grep -q my-app-3 "$DEMO_FOLDER/second" || fail "my-app-3 was asked"
! grep -qv '^my-app-[123]$' "$DEMO_FOLDER/second" "$DEMO_FOLDER/load" || fail "a request failed"
echo "  None failed."

heading "The daemon is killed: kill -9"
kill_daemon
requests 300 >"$DEMO_FOLDER/third"
tally <"$DEMO_FOLDER/third"
[ "$(grep -c '^my-app-[12]$' "$DEMO_FOLDER/third")" = 300 ] || fail "a request failed"
echo "  Programs and tables are in the kernel; nothing waits for the daemon. It starts again and takes them over."
start_daemon
until_true 60 is_ready || fail "the daemon does not become ready again"

heading "ebpf-proxy service list"
ebpf_proxy service list | sed 's/^/  /'

heading "The same in the kernel: bpftool map dump"
echo "  (addresses and ports as they stand in a packet: port 80 reads 20480)"
echo "  frontends"
dump frontends '"kind"' | sed 's/^/    /'
echo "  backends in use"
dump backends '"flags":[1-9]' | sed 's/^/    /'

heading "Metrics"
metrics | grep -E '^(kubeproxy_sync_proxy_rules_(endpoint|service)_changes_total|ebpf_proxy_datapath_[a-z_]*)(\{.*\})? [1-9]' | sed 's/^/  /'

heading "Done"
echo "  The node, its pods and the daemon are gone now; nothing is left on this machine."
