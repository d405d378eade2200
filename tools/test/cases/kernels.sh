#!/bin/sh
# The programs load and attach, and the native binary does the main job, on the oldest and the newest kernel (`make
# test-kernels` takes those between, too).
# Needs root.
set -u
cd "$(dirname "$0")/../../.." || exit
. tools/test/tap.sh
command -v dpkg >/dev/null || cannot "kernels come from Debian's packages"

plan 2
tools/vmtest/fetch.sh 5.10 newest
for kernel in 5.10 newest; do
  holds "the main job is done on kernel $kernel" tools/vmtest/check.sh "$kernel"
done
