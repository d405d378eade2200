#!/bin/sh
# The counting of tests itself: a wrong count would hide a failed test.
set -u
cd "$(dirname "$0")/../../.." || exit
. tools/test/count.sh
. tools/test/tap.sh

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

plan 11

cat >"$folder/mixed.trx" <<'TRX'
<TestRun><Results>
 <UnitTestResult testName="a name, with a comma" outcome="NotExecuted" duration="0" />
 <UnitTestResult testName="Passes(&quot;x&quot;)" outcome="Passed"><Output><Message>fine</Message></Output></UnitTestResult>
 <UnitTestResult testName="Fails(1)" outcome="Failed"><Output><StdOut>hm</StdOut><ErrorInfo><Message>one
is not two</Message><StackTrace>at Fails</StackTrace></ErrorInfo></Output></UnitTestResult>
 <UnitTestResult testName="Passes too" outcome="Passed" />
</Results><ResultSummary outcome="Failed">
    <Counters total="10" executed="9" passed="6" failed="2" error="0" timeout="1" aborted="0" />
</ResultSummary></TestRun>
TRX
is "a test that timed out has failed" "6 3 1" "$(count_trx "$folder/mixed.trx")"
is "a skipped test is named" "   skipped: a name, with a comma" "$(trx_skipped "$folder/mixed.trx")"
is "a failed test is named with its message" "   failed: Fails(1): one is not two" "$(trx_failed "$folder/mixed.trx")"
is "no result file counts nothing" "0 0 0" "$(count_trx "$folder/none.trx")"

printf '1..3\nok one\nnot ok two\nnoise\nok three\n' >"$folder/all.tap"
is "lines of a shell test are counted" "2 1 0" "$(count_tap "$folder/all.tap")"
is "a failed line of a shell test is named" "   failed: two" "$(tap_failed "$folder/all.tap")"
printf '1..3\nok one\n' >"$folder/died.tap"
is "what a shell test did not come to has failed" "1 2 0" "$(count_tap "$folder/died.tap")"
is "that it did not come to them is told" "   failed: it ended before 2 of its cases" "$(tap_failed "$folder/died.tap")"
printf 'syntax error\n' >"$folder/none.tap"
is "a shell test without a plan has failed" "0 1 0" "$(count_tap "$folder/none.tap")"
printf '1..1\nok one\n' >"$folder/good.tap"
is "a shell test that passed has no failure" "1 0 0" "$(count_tap "$folder/good.tap")"
printf '1..0 # no apt here\n' >"$folder/cannot.tap"
is "a shell test that cannot run is skipped" "0 0 1" "$(count_tap "$folder/cannot.tap")"
