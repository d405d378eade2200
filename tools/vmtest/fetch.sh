#!/bin/sh
# Unpacks what boots other kernels below .artifacts/deps: kernels of Debian's suites, qemu, busybox. The machine's own
# apt is only read: its mirror and its way to it are taken over into an apt configuration for each suite.
#
#   tools/vmtest/fetch.sh [KERNEL...]     5.10 6.1 6.12 newest; all of them by default
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
deps=$root/.artifacts/deps
arch=$(dpkg --print-architecture)
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

die() {
  echo "fetch: $*" >&2
  exit 1
}

suite_of() {
  case $1 in
    5.10) echo bullseye-security ;;
    6.1) echo bookworm ;;
    6.12) echo bookworm-backports ;;
    newest) echo sid ;;
    *) die "no kernel $1: 5.10, 6.1, 6.12 or newest" ;;
  esac
}

# The newest qemu that runs here: bookworm's own crashes 6.12 now and then.
qemu_suite() {
  case $codename in
    bookworm) echo bookworm-backports ;;
    *) echo "$codename" ;;
  esac
}

# Where this machine gets its own suite from, or security updates.
mirror_of() {
  case $1 in
    *-security) release=$codename-security ;;
    *) release=$codename ;;
  esac
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v release="$release" '$1 == release { print $2; exit }'
}

# apt for one suite, beside the machine's own. What is installed here counts as there.
suite_apt() {
  tool=$1 suite=$2
  shift 2
  APT_CONFIG=$deps/apt/$suite/apt.conf "$tool" "$@"
}

prepare_suite() {
  suite=$1
  base=$deps/apt/$suite
  [ -e "$base/ready" ] && return
  mirror=$(mirror_of "$suite")
  [ -n "$mirror" ] || die "no source of $codename in this machine's apt"
  mkdir -p "$base/etc/none" "$base/lists/partial" "$base/archives/partial"
  cat > "$base/etc/sources.list" <<LIST
deb [arch=$arch signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main
LIST
  # Backports lean on the suite below.
  case $suite in
    *-backports) sed "s/ $suite / ${suite%-backports} /" "$base/etc/sources.list" > "$base/below"
      cat "$base/below" >> "$base/etc/sources.list" ;;
  esac
  {
    apt-config dump --format '%F "%v";%n' Acquire | grep -v '""'
    cat <<CONF
Dir::Etc "$base/etc";
Dir::Etc::parts "none";
Dir::Etc::sourceparts "none";
Dir::Etc::preferencesparts "none";
Dir::State::lists "$base/lists";
Dir::State::extended_states "$base/extended_states";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$base";
Dir::Cache::archives "$base/archives";
APT::Sandbox::User "root";
Debug::NoLocking "true";
CONF
  } > "$base/apt.conf"
  suite_apt apt-get "$suite" -qq update
  touch "$base/ready"
}

# Downloads packages and unpacks them into a folder.
unpack() {
  suite=$1 folder=$2
  shift 2
  prepare_suite "$suite"
  archives=$deps/apt/$suite/archives
  mkdir -p "$folder"
  for package; do
    rm -f "$archives/${package}"_*.deb
    (cd "$archives" && suite_apt apt-get "$suite" -qq -t "$suite" download "$package")
    dpkg -x "$archives/${package}"_*.deb "$folder"
    rm -f "$archives/${package}"_*.deb
  done
}

fetch_kernel() {
  suite=$(suite_of "$1")
  folder=$deps/kernels/$1
  [ -e "$folder/ready" ] && return
  prepare_suite "$suite"
  echo "fetch: kernel $1 of $suite"
  # The package whose name has no version depends on the one that has; that one is all there is of old kernels, and
  # new ones keep the kernel and its modules apart.
  image=$(depends_of "$suite" "linux-image-cloud-$arch" '^linux-image-[0-9]')
  [ -n "$image" ] || die "no linux-image-cloud-$arch in $suite"
  rm -rf "$folder"
  # shellcheck disable=SC2046
  unpack "$suite" "$folder" "$image" $(depends_of "$suite" "$image" '^linux-(binary|modules)-[0-9]')
  touch "$folder/ready"
}

depends_of() {
  suite_apt apt-cache "$1" show "$2/$1" | sed -n 's/^Depends: //p' | tr ',' '\n' | awk '{ print $1 }' | grep -E "$3" | sort -u
}

# qemu with those of its libraries that this machine does not have.
fetch_qemu() {
  folder=$deps/qemu
  [ -e "$folder/ready" ] && return
  suite=$(qemu_suite)
  prepare_suite "$suite"
  echo "fetch: qemu of $suite"
  rm -rf "$folder"
  # shellcheck disable=SC2046
  unpack "$suite" "$folder" $(suite_apt apt-get "$suite" -s -t "$suite" --no-install-recommends install qemu-system-x86 | awk '/^Inst/ { print $2 }')
  touch "$folder/ready"
}

fetch_busybox() {
  folder=$deps/busybox
  [ -e "$folder/ready" ] && return
  echo "fetch: busybox of $codename"
  unpack "$codename" "$folder" busybox-static
  touch "$folder/ready"
}

[ "$arch" = amd64 ] || die "other kernels are booted on amd64 only"
[ $# -gt 0 ] || set -- 5.10 6.1 6.12 newest
fetch_busybox
fetch_qemu
for kernel; do
  fetch_kernel "$kernel"
done
