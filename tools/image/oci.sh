#!/bin/sh
# An OCI image layout in one archive (docs of the format: image-layout, image-index, manifest and config of
# opencontainers/image-spec), without a daemon or registry. None of the distribution's tools writes an index of several
# architectures without one; skopeo and umoci read it in the tests.
#   oci.sh ARCHIVE NAME TAG ARCHITECTURE=FOLDER...
# `docker load` without containerd's image store reads no index, but the manifest.json of docker's own archives, which names one
# image by a name. So there is one in it, too: NAME:TAG-ARCHITECTURE for each, NAME:TAG for the first.
# The same folders give the same archive, byte for byte; SOURCE_DATE_EPOCH is the time of all of it.
set -eu
archive=$1 name=$2 tag=$3
shift 3
layout=$(mktemp -d)
trap 'rm -rf "$layout"' EXIT
blobs=$layout/blobs/sha256
created=$(date -u -d "@${SOURCE_DATE_EPOCH:?}" +%Y-%m-%dT%H:%M:%SZ)
kind=application/vnd.oci.image

archived() {
  tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -C "$1" -c .
}

digest() {
  sha256sum "$1" | cut -d ' ' -f 1
}

# blob TYPE FILE [MORE]: moves the file to where its digest says, and prints its descriptor.
blob() {
  sum=$(digest "$2")
  size=$(stat -c %s "$2")
  mv "$2" "$blobs/$sum"
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s%s}' "$kind.$1" "$sum" "$size" "${3:-}"
}

# path DESCRIPTOR: where in the archive the blob is
path() {
  echo "$1" | sed 's|.*"digest":"sha256:\([0-9a-f]*\)".*|blobs/sha256/\1|'
}

image() {
  architecture=$1 folder=$2
  archived "$folder" >"$layout/layer.tar"
  difference=$(digest "$layout/layer.tar")
  gzip -9 -n "$layout/layer.tar"
  layer=$(blob layer.v1.tar+gzip "$layout/layer.tar.gz")
  cat >"$layout/config" <<JSON
{"created":"$created","architecture":"$architecture","os":"linux","config":{"Entrypoint":["/usr/bin/ebpf-proxy"],"Env":["PATH=/usr/bin","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],"Labels":{"org.opencontainers.image.title":"$name","org.opencontainers.image.version":"$tag","org.opencontainers.image.licenses":"Apache-2.0"}},"rootfs":{"type":"layers","diff_ids":["sha256:$difference"]},"history":[{"created":"$created","created_by":"make image"}]}
JSON
  config=$(blob config.v1+json "$layout/config")
  tags="\"$name:$tag-$architecture\"" separator=,
  [ -e "$layout/manifest.json" ] || tags="\"$name:$tag\",$tags" separator='['
  printf '%s{"Config":"%s","RepoTags":[%s],"Layers":["%s"]}' "$separator" "$(path "$config")" "$tags" "$(path "$layer")" >>"$layout/manifest.json"
  printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":%s,"layers":[%s]}' "$kind" "$config" "$layer" >"$layout/manifest"
  blob manifest.v1+json "$layout/manifest" ",\"platform\":{\"architecture\":\"$architecture\",\"os\":\"linux\"}"
}

mkdir -p "$blobs"
manifests=
for pair in "$@"; do
  manifests="$manifests${manifests:+,}$(image "${pair%%=*}" "${pair#*=}")"
done
printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[%s]}' "$kind" "$manifests" >"$layout/index"
# Under the second name containerd keeps it: an image without a registry in its name is one of docker.io/library there.
entry=$(blob index.v1+json "$layout/index" ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"$tag\",\"io.containerd.image.name\":\"docker.io/library/$name:$tag\"}")
printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[%s]}' "$kind" "$entry" >"$layout/index.json"
printf ']' >>"$layout/manifest.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
archived "$layout" >"$archive.new"
mv "$archive.new" "$archive"
