#!/bin/sh
# Where packages of other suites come from is taken from the machine's own configuration, in whatever form it is.
set -u
cd "$(dirname "$0")/../../.." || exit
. tools/test/tap.sh
command -v apt-get >/dev/null || cannot "no apt on this machine"
# shellcheck source=/dev/null
own=$(. /etc/os-release && echo "$VERSION_CODENAME")

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/parts"
touch "$folder/ring.gpg"
echo "Dir::Etc::sourcelist \"$folder/list\"; Dir::Etc::sourceparts \"$folder/parts\";" >"$folder/apt.conf"

plan 5

sources() {
  APT_CONFIG=$folder/apt.conf tools/deps/apt.sh sources "$1" 2>&1 | sed 's/,[^]]*]/]/'
}

one_line() {
  rm -f "$folder/parts"/*
  cat >"$folder/list" <<LIST
deb [signed-by=$folder/ring.gpg] http://mirror.invalid/debian $own main contrib
deb [signed-by=$folder/ring.gpg] http://mirror.invalid/debian $own-updates main
deb [signed-by=$folder/ring.gpg] http://mirror.invalid/security $own-security main
deb http://other.invalid/tool stable main
LIST
}

deb822() {
  rm -f "$folder/list"
  cat >"$folder/parts/debian.sources" <<LIST
Types: deb
URIs: http://mirror.invalid/debian
Suites: $own $own-updates
Components: main contrib
Signed-By: $folder/ring.gpg

Types: deb
URIs: http://mirror.invalid/security
Suites: $own-security
Components: main
Signed-By: $folder/ring.gpg
LIST
}

expected="deb [signed-by=$folder/ring.gpg] http://mirror.invalid/debian/ bookworm main
deb [signed-by=$folder/ring.gpg] http://mirror.invalid/security/ bookworm-security main
deb [signed-by=$folder/ring.gpg] http://mirror.invalid/debian/ bookworm-backports main"

one_line
is "one-line sources are understood" "$expected" "$(sources bookworm-backports)"
deb822
is "deb822 sources are understood" "$expected" "$(sources bookworm-backports)"
is "sid has no security suite" "deb [signed-by=$folder/ring.gpg] http://mirror.invalid/debian/ sid main" "$(sources sid)"

rm -f "$folder/parts"/*
echo "deb http://mirror.invalid/debian stable main" >"$folder/list"
is "a machine that follows stable by that name will do" \
  "http://mirror.invalid/debian/" "$(sources sid | grep -o 'http[^ ]*')"

rm -f "$folder/list"
is "without an archive there is one clear line" \
  "apt.sh: no Debian archive in this machine's apt configuration" "$(sources sid)"
