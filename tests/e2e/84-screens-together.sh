#!/usr/bin/env bash
# Two people at two browsers, a program killed in mid-save, script in texts, keyboard and both languages:
# tests/e2e/screens/together.mjs.
# time limit: 600 s
set -euo pipefail
exec node "$TZ_ROOT/tests/e2e/screens/together.mjs"
