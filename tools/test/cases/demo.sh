#!/bin/sh
# The demo shows what it says, and leaves nothing behind, whether it ends or is ended.
# Needs root.
set -u
cd "$(dirname "$0")/../../.." || exit
. tools/test/tap.sh

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)

left_behind() {
  find "$cgroups" -maxdepth 1 -name "ebpf-proxy-demo-$1"
  find .artifacts -maxdepth 1 -name "demo-$1"
  grep "demo-$1" /proc/mounts
  pgrep -af "demo-$1"
}

until_there() {
  deadline=$(($(date +%s) + 20))
  until [ -e "$1" ] || [ "$(date +%s)" -ge "$deadline" ]; do sleep 0.1; done
  [ -e "$1" ]
}

plan 6

tools/demo/demo.sh >"$folder/output" 2>&1 &
demo=$!
wait $demo
status=$?
is "the demo succeeds" 0 $status
[ $status = 0 ] || sed 's/^/# /' "$folder/output"
holds "all pods are asked at first" grep -q 'x my-app-3' "$folder/output"
holds "the service is listed" grep -q 'default  *my-service .*10.96.0.10:80' "$folder/output"
is "nothing is left behind" "" "$(left_behind $demo)"

tools/demo/demo.sh >"$folder/output" 2>&1 &
demo=$!
holds "the demo starts again" until_there ".artifacts/demo-$demo/my-app-3/nginx.pid"
kill -TERM $demo
wait $demo
is "nothing is left behind when it is ended in the middle" "" "$(left_behind $demo)"
