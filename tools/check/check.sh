#!/bin/sh
# Formatting and shell faults; changes nothing. clang-format's output differs between versions: 14 is the one
# that decides (Debian 12's; clang-format-14 where another one is the default).
set -u
cd "$(dirname "$0")/../.." || exit
dotnet=${DOTNET:-dotnet}
status=0

run() {
  echo "== $1"
  shift
  "$@" || status=1
}

run "dotnet format" "$dotnet" format EbpfProxy.sln --verify-no-changes --exclude src/LibBpfSharp/Generated --exclude .artifacts

clang_format=$(command -v clang-format-14 || command -v clang-format || true)
sources=$(git ls-files 'bpf/*.c' 'bpf/*.h' 'tools/*.c')
if [ -n "$clang_format" ]; then
  # shellcheck disable=SC2086 # one word a file
  run "$($clang_format --version)" "$clang_format" --dry-run -Werror $sources
else
  echo "== clang-format is not installed: C not checked"
fi

scripts=$(git ls-files '*.sh' .ci/run tools/vmtest/init)
if command -v shellcheck >/dev/null; then
  # shellcheck disable=SC2086 # one word a file
  run "shellcheck" shellcheck -x $scripts
else
  echo "== shellcheck is not installed: scripts not checked"
fi
[ $status = 0 ] && echo "clean"
exit $status
