#!/usr/bin/env bash
# Handing down, overview, sample, duplicates and evidence in Chromium against the real programs: screens/city.mjs.
# time limit: 600 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/city.mjs"
