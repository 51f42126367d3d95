#!/usr/bin/env bash
# What a person must be told (a copied folder, a merged unit, a branch that is another office's, late records, orders), in
# Chromium against the real programs: tests/e2e/screens/told.mjs.
# time limit: 600 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/told.mjs"
