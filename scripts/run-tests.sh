#!/bin/sh
# run-tests.sh BUILD [meson test options]: run the suites and close with "N passed, N failed".
set -u
build=$1
shift
meson test -C "$build" --print-errorlogs --timeout-multiplier "${TEST_TIMEOUT_MULTIPLIER:-3}" "$@"
status=$?
python3 - "$build" <<'PY' || status=1
import json, sys
passed = failed = skipped = 0
with open(sys.argv[1] + '/meson-logs/testlog.json') as log:
    for line in log:
        result = json.loads(line)['result']
        if result in ('OK', 'EXPECTEDFAIL'):
            passed += 1
        elif result == 'SKIP':
            skipped += 1
        else:
            failed += 1
if skipped:
    print(f'({skipped} skipped: their output says why)')
print(f'{passed} passed, {failed} failed')
sys.exit(failed > 0 or passed == 0)
PY
exit $status
