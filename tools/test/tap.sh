# shellcheck shell=sh
# What a shell test says: a plan, then one line a case (see count_tap).

plan() {
  echo "1..$1"
}

# cannot WHY: the test cannot run here
cannot() {
  echo "1..0 # $1"
  exit 0
}

ok() {
  echo "ok $1"
}

not_ok() {
  echo "not ok $1"
}

# is NAME EXPECTED ACTUAL
is() {
  if [ "$2" = "$3" ]; then
    ok "$1"
  else
    not_ok "$1"
    printf '  expected: %s\n  actual:   %s\n' "$2" "$3"
  fi
}

# holds NAME COMMAND...: the command succeeds
holds() {
  name=$1
  shift
  if "$@"; then ok "$name"; else not_ok "$name"; fi
}
