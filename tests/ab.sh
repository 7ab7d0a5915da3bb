#!/usr/bin/env bash
# The load test of the deployment guide, as it is written there but for the
# port: 1 000 requests for /health, ten at a time, with a key, against a service
# with the default rates. No request may fail. The 95th percentile is printed,
# not judged: it says as much about the machine as about the service.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/service/start.sh

command -v ab >/dev/null || { echo "ab cannot be had here (Debian: apache2-utils)"; exit 77; }
key=ab-0123456789abcdef
start --api-key "load:$key"
ab -n 1000 -c 10 -H "Authorization: Bearer $key" "http://localhost:${public##*:}/health" | tee "$scratch/ab"

figure() { sed -n "s/^$1[^0-9]*\([0-9.]*\).*/\1/p" "$scratch/ab"; }
echo "complete $(figure 'Complete requests:'), failed $(figure 'Failed requests:'), P95 $(figure '  95%') ms"
[ "$(figure 'Complete requests:')" = 1000 ]
[ "$(figure 'Failed requests:')" = 0 ]
! grep -q 'Non-2xx' "$scratch/ab"
