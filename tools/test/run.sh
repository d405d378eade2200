#!/bin/sh
# Runs every test that this user may run. The last line is "N passed, N failed", over all projects and
# shell tests, and names those that failed. Fails when a test failed, when none ran, and with CI=true when one was skipped.
#   DOTNET, CONFIGURATION: how the projects were built (see the Makefile).
set -u
cd "$(dirname "$0")/../.." || exit
. tools/test/count.sh

configuration=${CONFIGURATION:-Release}
dotnet=${DOTNET:-dotnet}
results=.artifacts/test-results
failures=$results/failures
limit=${TEST_PROJECT_LIMIT:-2100}
is_root=$([ "$(id -u)" = 0 ] && echo yes || echo no)

passed=0 failed=0 skipped=0

add() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# fail WHAT: a test that could not say itself that it failed
fail() {
  echo "   failed: $1" >>"$failures"
  add 0 1 0
}

# A project that dies or hangs leaves no result file, or one that says less than the exit status.
run_project() {
  project=$1
  name=$(basename "$project" .csproj)
  trx=$results/$name.trx
  set -- test "$project" -c "$configuration" --no-build --logger "trx;LogFileName=$name.trx" --results-directory "$results"
  [ "$is_root" = yes ] || set -- "$@" --filter "Category!=Kernel"
  echo "== $name"
  timeout "$limit" "$dotnet" "$@"
  status=$?
  counts=$(count_trx "$trx")
  # shellcheck disable=SC2086 # three numbers
  add $counts
  if [ "$status" != 0 ] && [ "$(echo "$counts" | cut -d' ' -f2)" = 0 ]; then
    fail "$name: ended with status $status and names no failed test"
  elif [ "$counts" = "0 0 0" ] && [ "$is_root" = yes ] && grep -rqE '\[(Kernel)?(Fact|Theory)' "$(dirname "$project")" --include='*.cs'; then
    fail "$name: has tests, and none ran"
  fi
  trx_skipped "$trx"
  trx_failed "$trx" >>"$failures"
}

run_shell_test() {
  test=$1
  if grep -q '^# Needs root' "$test" && [ "$is_root" = no ]; then
    echo "   skipped: $test needs root"
    add 0 0 1
    return
  fi
  echo "== $test"
  output=$results/$(basename "$test").tap
  if [ "$test" = "$beside" ]; then
    wait "$beside_pid"
    beside_pid=
    cat "$output"
  else
    timeout "$limit" sh "$test" 2>&1 | tee "$output"
  fi
  # shellcheck disable=SC2046 # three numbers
  add $(count_tap "$output")
  tap_failed "$output" | sed "s|failed: |&$(basename "$test"): |" >>"$failures"
}

# Guests under emulation take a processor each and long, and most projects leave one idle. Not the one that comes last.
beside=tools/test/cases/kernels.sh
last=tests/EbpfProxy.EndToEnd.Tests/EbpfProxy.EndToEnd.Tests.csproj
beside_pid=
# shellcheck disable=SC2317 # called by the trap
end_beside() {
  [ -z "$beside_pid" ] || kill "$beside_pid" 2>/dev/null
}
trap end_beside EXIT
trap 'exit 130' INT TERM HUP

rm -rf "$results"
mkdir -p "$results"
: >"$failures"
if [ "$is_root" = yes ]; then
  nice timeout "$limit" sh "$beside" >"$results/$(basename "$beside").tap" 2>&1 &
  beside_pid=$!
fi
for project in tests/*.Tests/*.csproj; do
  [ "$project" = "$last" ] || run_project "$project"
done
run_shell_test "$beside"
run_project "$last"
for test in tools/test/cases/*.sh; do
  [ "$test" = "$beside" ] || run_shell_test "$test"
done

if [ "$is_root" = no ]; then
  echo "skipped, as they need root (sudo make test):"
  kernel=$(grep -rlE '\[Kernel(Fact|Theory)|Category", *"Kernel"' tests/*.Tests --include='*.cs')
  [ -z "$kernel" ] || echo "$kernel" | sed 's/^/   /'
  add 0 0 "$(echo "$kernel" | grep -c .)"
fi
[ "$skipped" = 0 ] || echo "$skipped skipped"
cat "$failures"

verdict=0
if [ "$passed" = 0 ] && [ "$failed" = 0 ]; then
  echo "no test ran"
  verdict=1
elif [ "$failed" != 0 ]; then
  verdict=1
elif [ "${CI:-}" = true ] && [ "$skipped" != 0 ]; then
  echo "CI=true: nothing may be skipped"
  verdict=1
fi
# Of a long log often only the last line is kept.
names=$(sed 's/^   failed: //' "$failures" | cut -c 1-150 | paste -s -d ';')
echo "$passed passed, $failed failed${names:+: $names}"
exit $verdict
