#!/usr/bin/env bash
# The township's and the city's screens in Chromium against the real programs: tests/e2e/screens/office.mjs.
# time limit: 600 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/office.mjs"
