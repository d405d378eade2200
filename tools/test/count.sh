# shellcheck shell=sh
# Reads results of tests: "passed failed skipped" of one file.

attribute() {
  sed -n "s/.*[ <]$2=\"\([^\"]*\)\".*/\1/p" <<COUNTERS
$1
COUNTERS
}

# The counters stand in one element; what is not "passed" and was executed has failed (errors, time-outs, aborts).
count_trx() {
  counters=$([ -f "$1" ] && tr '\n' ' ' <"$1" | grep -o '<Counters [^>]*>' | head -n 1)
  if [ -z "$counters" ]; then
    echo "0 0 0"
    return
  fi
  total=$(attribute "$counters" total)
  executed=$(attribute "$counters" executed)
  passed=$(attribute "$counters" passed)
  echo "$passed $((executed - passed)) $((total - executed))"
}

# Which tests were skipped: a skip that nobody sees is a test that nobody runs.
trx_skipped() {
  [ -f "$1" ] || return 0
  tr '\n' ' ' <"$1" | grep -o '<UnitTestResult [^>]*outcome="NotExecuted"[^>]*>' |
    sed 's/.*testName="\([^"]*\)".*/   skipped: \1/'
}

# Which tests failed, each with the start of its message: the end of a log is what is kept of a run that failed.
trx_failed() {
  [ -f "$1" ] || return 0
  tr '\n' ' ' <"$1" | sed 's/<UnitTestResult /\
&/g' | grep '^<UnitTestResult [^>]*outcome="Failed"' |
    sed 's/^[^>]*testName="\([^"]*\)"[^>]*>/   failed: \1/; s/\(   failed: .*\)<Output>.*<Message>\(.\{0,400\}\).*/\1: \2/; s/<\/Message>.*//'
}

# Those that a shell test did not come to have no name.
tap_failed() {
  sed -n 's/^not ok /   failed: /p' "$1"
  awk '/^(not )?ok / { seen++ } /^1\.\.[0-9]+/ { planned = 1; plan = substr($1, 4) + 0 }
    END { if (!planned) print "   failed: it ended without a plan"; else if (seen < plan) print "   failed: it ended before " plan - seen " of its cases" }' "$1"
}

# Lines "ok NAME", "not ok NAME"; a plan "1..N" says how many there should be, so that a script that dies counts. The
# plan "1..0" says that the test cannot run here.
count_tap() {
  awk '
    /^ok / { passed++ }
    /^not ok / { failed++ }
    /^1\.\.[0-9]+/ { planned = 1; plan = substr($1, 4) + 0 }
    END {
      missing = planned ? plan - passed - failed : 1
      print passed + 0, failed + (missing > 0 ? missing : 0), (planned && plan == 0) + 0
    }' "$1"
}
