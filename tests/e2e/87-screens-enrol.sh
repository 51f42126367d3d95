#!/usr/bin/env bash
# A PC becomes known from the screens, the first time and again, in Chromium against the real programs: screens/enrol.mjs.
# time limit: 300 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/enrol.mjs"
