#!/usr/bin/env bash
# The peers of the npm registry run the workload that the benchmark makes, and it is the one of the published figures.
set -euo pipefail
said=$(node "$TZ_ROOT/tests/bench/peers/run.mjs" --check --dir "$PWD/peers")
printf '%s\n' "$said"
[[ $said == *' 20000 rows, 20000 updates, 18396c6cc6839731293989b0acafe972d41b036b336c00d51f3198c80c4879cf' ]]
