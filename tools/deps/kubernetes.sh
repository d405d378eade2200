#!/bin/sh
# Builds what Debian's source of Kubernetes has and its packages have not: kube-apiserver and kube-proxy, of 1.20, with the
# Go of that time. Takes some ten minutes. They stand beside etcd in .artifacts/deps/kubernetes/bin, for KUBEBUILDER_ASSETS.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD/.artifacts/deps/kubernetes
source=$root/go/src/k8s.io/kubernetes
etcd=.artifacts/deps/etcd/usr/bin/etcd
[ ! -x "$root/bin/kube-apiserver" ] || exit 0
[ -x "$etcd" ] || { echo "kubernetes.sh: no $etcd: run make deps first" >&2; exit 1; }

rm -rf "$root"
tools/deps/apt.sh source bookworm "$source" kubernetes
tools/deps/apt.sh alone bullseye "$root/compiler" golang-1.15-go golang-1.15-src
mkdir -p "$root/tools" "$root/home"

# Its makefiles copy the programs that they have built by `rsync -pc`, and want no more of it.
printf '#!/bin/sh\nshift\nexec cp -p "$@"\n' >"$root/tools/rsync"
chmod +x "$root/tools/rsync"

GOROOT=$root/compiler/usr/lib/go-1.15
PATH=$GOROOT/bin:$root/tools:$PATH
export GOROOT PATH GOPATH="$root/go" HOME="$root/home" CGO_ENABLED=0 GO111MODULE=off
export KUBE_GIT_VERSION=v1.20.2 KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20 KUBE_GIT_COMMIT=none KUBE_GIT_TREE_STATE=clean
make -C "$source" WHAT="cmd/kube-apiserver cmd/kube-proxy"

mkdir -p "$root/built"
cp "$source/_output/bin/kube-apiserver" "$source/_output/bin/kube-proxy" "$etcd" "$root/built"
rm -rf "${root:?}/go" "$root/compiler" "$root/tools" "${root:?}/home"
mv "$root/built" "$root/bin"
