#!/usr/bin/env bash
# A branch's PC whose keys are protected by a passphrase, in Chromium against the real program: screens/unlock.mjs.
# time limit: 180 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/unlock.mjs"
