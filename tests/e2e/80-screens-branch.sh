#!/usr/bin/env bash
# The branch's screens in Chromium against the real programs: tests/e2e/screens/branch.mjs.
# time limit: 600 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/branch.mjs"
