#!/usr/bin/env bash
# What other sites can make a browser do here, and signing in, in Chromium against the real programs: screens/surface.mjs.
# time limit: 600 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/surface.mjs"
