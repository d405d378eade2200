#!/bin/sh
# Gets what is missing: compilers and headers from the distribution, what is only for tests below .artifacts/deps,
# the SDK. Says first what it will do. Needs root only when a package has to be installed. DEPS_ONLY names the rows of
# unpacked.txt that are wanted, where not all are.
set -eu
cd "$(dirname "$0")/../.."
deps=$PWD/.artifacts/deps

distribution() {
  # shellcheck source=/dev/null
  . /etc/os-release
  for name in "$ID" ${ID_LIKE:-}; do
    case $name in debian | ubuntu | fedora) echo "$name"; return ;; esac
  done
  echo "deps: no package names for $ID; add a column to tools/deps/packages.txt" >&2
  exit 1
}

wanted_packages() {
  case $distribution in debian) column=2 ;; ubuntu) column=3 ;; fedora) column=4 ;; esac
  awk -v column="$column" '!/^#/ && NF && $column != "-" { print $column }' tools/deps/packages.txt
}

# A package may have been renamed since (libssl3 became libssl3t64): what provides the name counts.
is_installed() {
  case $distribution in
    fedora) rpm -q --whatprovides "$1" >/dev/null 2>&1 ;;
    *) dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null |
      grep '^installed' | grep -qE "[ ,]$1([ ,]|\$)" ;;
  esac
}

missing_packages() {
  for package in $(wanted_packages); do
    is_installed "$package" || echo "$package"
  done
}

# The rows of unpacked.txt for this release that are not unpacked yet, or from another suite.
missing_unpacked() {
  [ "$distribution" = debian ] || return 0
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  awk -v release="$codename" -v only=" ${DEPS_ONLY:-} " '
    !/^#/ && NF && ($2 == "*" || $2 == release) && !seen[$1]++ && (only == "  " || index(only, " " $1 " ")) { $2 = ""; print }' \
    tools/deps/unpacked.txt |
    while read -r name need suite how list; do
      [ "$(cat "$deps/$name/.from" 2>/dev/null)" = "$suite $list" ] || echo "$name $need $suite $how $list"
    done
}

say_plan() {
  [ -z "$packages" ] || echo "deps: will install from $distribution: $(echo "$packages" | paste -s -d ' ')"
  [ -z "$unpacked" ] || echo "$unpacked" | while read -r name _ suite _ list; do
    echo "deps: will unpack into .artifacts/deps/$name, not install: $list (from $suite)"
  done
  [ -n "$sdk" ] || echo "deps: will get the .NET SDK of global.json: the distribution's package, else the vendor's script into .artifacts/dotnet"
  [ -n "$packages$unpacked" ] || [ -z "$sdk" ] || echo "deps: nothing is missing"
}

install_packages() {
  [ -n "$packages" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "deps: installing packages needs root: sudo make deps" >&2
    exit 1
  fi
  # shellcheck disable=SC2086 # one word a package
  case $distribution in
    fedora) dnf install -y $packages ;;
    *)
      apt-get update -q
      DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
      ;;
  esac
}

unpack() {
  echo "$unpacked" | while read -r name need suite how list; do
    [ -n "$name" ] || continue
    rm -rf "${deps:?}/$name"
    # shellcheck disable=SC2086 # one word a package
    if tools/deps/apt.sh "$how" "$suite" "$deps/$name" $list; then
      echo "$suite $list" >"$deps/$name/.from"
    elif [ "$need" = must ]; then
      exit 1
    else
      echo "deps: going on without $name"
    fi
  done
}

# A program that was unpacked finds its libraries beside it.
expose() {
  name=$1 program=$2
  [ -x "$deps/$name/$program" ] || return 0
  libraries=$(find "$deps/$name" -name '*.so*' -printf '%h\n' | sort -u | paste -s -d :)
  extensions=$(find "$deps/$name" -name xtables -type d | head -n 1)
  mkdir -p "$deps/bin"
  cat >"$deps/bin/${program##*/}" <<SCRIPT
#!/bin/sh
${extensions:+XTABLES_LIBDIR=$extensions }LD_LIBRARY_PATH=$libraries exec $deps/$name/$program "\$@"
SCRIPT
  chmod +x "$deps/bin/${program##*/}"
}

distribution=$(distribution)
packages=$(missing_packages)
unpacked=$(missing_unpacked)
sdk=$(tools/deps/dotnet.sh find)
say_plan
install_packages
unpack
expose nginx usr/sbin/nginx
expose bpftool usr/sbin/bpftool
expose nftables usr/sbin/nft
expose iptables usr/sbin/xtables-nft-multi
expose iptables usr/sbin/xtables-legacy-multi
expose iptables usr/sbin/ipset
expose lld usr/bin/ld.lld
expose kustomize usr/bin/kustomize
expose crun usr/bin/crun
expose umoci usr/bin/umoci
expose skopeo usr/bin/skopeo
tools/deps/static.sh
tools/deps/dotnet.sh get
