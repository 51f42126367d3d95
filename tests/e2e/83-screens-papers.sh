#!/usr/bin/env bash
# Excel, circulars, stocktakes and printing in Chromium against the real programs: tests/e2e/screens/papers.mjs.
# time limit: 600 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/papers.mjs"
