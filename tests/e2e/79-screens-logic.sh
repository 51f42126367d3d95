#!/usr/bin/env bash
# The logic of the screens by itself (Vitest), and their types.
# time limit: 600 s
set -euo pipefail
cd "$TZ_ROOT/shared/web"
node_modules/.bin/vitest run
node_modules/.bin/vue-tsc --noEmit
