#!/bin/sh
# Packages of any Debian suite, unpacked into a folder. apt runs with a configuration of its own below
# .artifacts/deps/suites: no source line, installed package or hold of the machine changes. Where the archive is, how
# it is reached (proxy, credentials) and which keys sign it come from the machine's own configuration.
#   apt.sh get SUITE FOLDER PACKAGE...     these, and what they need beyond what is installed here
#   apt.sh alone SUITE FOLDER PACKAGE...   only these
#   apt.sh source SUITE FOLDER PACKAGE     its source as upstream made it
#   apt.sh needs SUITE PACKAGE             the names that a package depends on, one a line
#   apt.sh sources SUITE                   the source lines it would use
# SUITE is a codename (bullseye-security, bookworm-backports, sid), or `own` for this machine's, and may end in the
# architecture, as in own:arm64.
set -eu
cd "$(dirname "$0")/../.."
apt_root=$PWD/.artifacts/deps/suites

fail() {
  echo "apt.sh: $*" >&2
  exit 1
}

own_codename() {
  # shellcheck source=/dev/null
  (. /etc/os-release && echo "${VERSION_CODENAME:?this release has no codename}")
}

# One line a repository: URI, release, the file that names it. apt itself reads both forms of its configuration,
# and "no release info" means: also what was never updated.
machine_repositories() {
  # shellcheck disable=SC2016 # apt's variables
  apt-get indextargets --no-release-info \
    --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(SOURCESENTRY)' 'Created-By: Packages' |
    awk '$3 == "main" { sub(/:[0-9]+$/, "", $4); print $1, $2, $4 }' | sort -u
}

# repository PATTERN...: the first repository whose release is like one of them, the likeliest first
repository() {
  for pattern in "$@"; do
    found=$(machine_repositories | awk -v pattern="^($pattern)\$" '$2 ~ pattern { print; exit }')
    [ -z "$found" ] || { echo "$found"; return; }
  done
}

# The keys that the machine trusts for this file's repositories, and the distribution's, which know other releases too.
keyrings() {
  {
    grep -v '^#' "$1" | grep -oiE 'signed-by[:=] *[^] ]*' | sed 's/^[^:=]*[:=] *//' | tr ',' '\n'
    ls /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp
  } 2>/dev/null | grep '^/' | sort -u | paste -s -d ,
}

source_line() {
  repository=$1 release=$2
  [ -n "$repository" ] || return 0
  ring=$(keyrings "${repository##* }")
  echo "$kind ${ring:+[signed-by=$ring] }${repository%% *} $release main"
}

# A suite stands on its base and the base's security updates.
sources() {
  suite=$1
  base=${suite%%-*}
  own=$(own_codename)
  archive=$(repository "$own" 'stable|oldstable|testing|unstable|sid')
  security=$(repository "$own-security" '.*-security')
  [ -n "$archive" ] || fail "no Debian archive in this machine's apt configuration"
  source_line "$archive" "$base"
  [ "$base" = sid ] || source_line "$security" "$base-security"
  case $suite in "$base" | "$base-security") ;; *) source_line "$archive" "$suite" ;; esac
}

configure() {
  home=$apt_root/$1${architecture:+:$architecture}${kind#deb}
  mkdir -p "$home/state/lists/partial" "$home/cache/archives/partial" "$home/none"
  sources "$1" >"$home/sources.list"
  # Of another architecture nothing counts as installed here.
  status=${architecture:+/dev/null}
  status=${status:-/var/lib/dpkg/status}
  cat >"$home/apt.conf" <<CONF
Dir::State "$home/state";
Dir::State::status "$status";
Dir::Cache "$home/cache";
Dir::Etc::sourcelist "$home/sources.list";
Dir::Etc::sourceparts "$home/none";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$home/none";
Dir::Log "$home";
Acquire::Languages "none";
${architecture:+APT::Architecture "$architecture"; APT::Architectures "$architecture";}
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
Debug::NoLocking "true";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
CONF
  if [ -z "$(find "$home/updated" -mmin -720 2>/dev/null)" ]; then
    apt-get -q -c "$home/apt.conf" update >"$home/update.log" 2>&1 ||
      { cat "$home/update.log" >&2; fail "cannot read the lists of $1"; }
    touch "$home/updated"
  fi
}

# download HOW SUITE INTO PACKAGE...
download() {
  how=$1 suite=$2 into=$3
  shift 3
  set -- -q -c "$home/apt.conf" -t "$suite" "$how" "$@"
  if [ "$how" = download ]; then
    # As if nothing was installed: else the candidate is what this machine has, where that is newer.
    (cd "$into" && apt-get "$@" -o Dir::State::status=/dev/null)
  else
    mkdir -p "$into/partial"
    apt-get -o Dir::Cache::archives="$into" "$@" --download-only --reinstall --no-install-recommends \
      --no-remove --allow-downgrades --allow-change-held-packages
  fi
}

unpack() {
  how=$1 suite=$2 folder=$3
  shift 3
  configure "$suite"
  debs=$(mktemp -d)
  trap 'rm -rf "$debs"' EXIT
  download "$how" "$suite" "$debs" "$@" >"$home/download.log" 2>&1 ||
    { cat "$home/download.log" >&2; fail "cannot get $* of $suite"; }
  mkdir -p "$folder"
  for deb in "$debs"/*.deb; do
    [ -f "$deb" ] || fail "nothing was downloaded for $* of $suite"
    dpkg -x "$deb" "$folder"
  done
}

get_source() {
  kind="deb-src"
  configure "$1"
  mkdir -p "$2"
  (cd "$2" && apt-get -q -c "$home/apt.conf" --download-only source "$3") >"$home/download.log" 2>&1 ||
    { cat "$home/download.log" >&2; fail "cannot get the source of $3 of $1"; }
  tar -xf "$2/$3"_*.orig.tar.[gx]z -C "$2" --strip-components=1
  rm "$2/$3"_*
}

# What is installed here counts as little as in `alone`.
needs() {
  configure "$1"
  apt-cache -c "$home/apt.conf" -o Dir::State::status=/dev/null -o "APT::Default-Release=$1" \
    show --no-all-versions "$2" | sed -n 's/^Depends: //p' | tr -s ',|' '\n' | awk '{ print $1 }' | sort -u
}

[ $# -ge 2 ] || fail "see the head of $0"
command=$1 wanted=$2
shift 2
architecture=
kind=deb
case $wanted in *:*) architecture=${wanted##*:} wanted=${wanted%:*} ;; esac
[ "$wanted" != own ] || wanted=$(own_codename)
case $command in
  get) unpack install "$wanted" "$@" ;;
  alone) unpack download "$wanted" "$@" ;;
  source) get_source "$wanted" "$@" ;;
  needs) needs "$wanted" "$@" ;;
  sources) sources "$wanted" ;;
  *) fail "no command $command" ;;
esac
