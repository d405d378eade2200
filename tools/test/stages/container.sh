# shellcheck shell=sh
# A container as a kubelet would start it from deploy/base: the same mounts, capabilities and masked paths. Needs FOLDER
# (with root/, the image's files, and node/, which stands for the node's), CGROUP and the network namespace `node`.

# bundle NAME KIND CAPABILITIES ARGUMENT...: KIND is `first` for the privileged container, `daemon` for the other.
bundle() {
  name=$1 kind=$2 held=$3
  shift 3
  case $kind in
    first) propagation=rshared protected='"readonlyPaths":[]' ;;
    daemon) propagation=rslave protected='"readonlyPaths":["/proc/sys","/proc/sysrq-trigger"],"maskedPaths":["/proc/kcore","/sys/firmware"]' ;;
  esac
  capabilities=$(quoted "$(for one in $held; do echo "CAP_$one"; done)")
  mkdir -p "$FOLDER/$name"
  cat >"$FOLDER/$name/config.json" <<JSON
{"ociVersion":"1.0.2","root":{"path":"$FOLDER/root","readonly":true},
"process":{"terminal":false,"user":{"uid":0,"gid":0},"cwd":"/","env":["PATH=/usr/bin"],
"args":[$(quoted /usr/bin/ebpf-proxy "$@")],
"capabilities":{"bounding":[$capabilities],"effective":[$capabilities],"permitted":[$capabilities]}},
"mounts":[
{"destination":"/proc","type":"proc","source":"proc"},
{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755"]},
{"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]},
{"destination":"/sys/fs/cgroup","type":"bind","source":"/sys/fs/cgroup","options":["rbind","ro"]},
{"destination":"/sys/fs/bpf","type":"bind","source":"$FOLDER/node/bpf","options":["rbind","$propagation"]},
{"destination":"/run/netns","type":"bind","source":"/run/netns","options":["rbind","ro","rslave"]},
{"destination":"/run/ebpf-proxy","type":"bind","source":"$FOLDER/node/run","options":["rbind"]},
{"destination":"/etc/ebpf-proxy","type":"bind","source":"$FOLDER/config","options":["rbind","ro"]},
{"destination":"/manifests","type":"bind","source":"$FOLDER/manifests","options":["rbind","ro"]}],
"linux":{"rootfsPropagation":"$propagation",$protected,
"namespaces":[{"type":"mount"},{"type":"ipc"},{"type":"pid"},{"type":"cgroup"},{"type":"network","path":"/run/netns/node"}]}}
JSON
}

quoted() {
  printf '%s\n' "$@" | sed 's/.*/"&"/' | paste -s -d ,
}

# run NAME: to its end
run() {
  (echo 0 >"$CGROUP/daemon/cgroup.procs" && exec crun --root "$FOLDER/crun" --cgroup-manager disabled run --bundle "$FOLDER/$1" "$1")
}
