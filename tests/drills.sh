#!/usr/bin/env bash
# Three drills side by side: a killed engine, a store that cannot grow, and a bad configuration. Each starts a stack
# of its own on free ports of loopback. Those whose windows are days (`svgx drill ErrorBudgetBurn`) take
# five minutes and are not among them.
# All of them: `svgx drill --all`, which also writes the journals under runbooks/.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in prometheus promtool curl; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed here"; exit 77; }
done
command -v prometheus-alertmanager >/dev/null || command -v alertmanager >/dev/null ||
    { echo "Alertmanager is not installed here"; exit 77; }
program=${CARGO_TARGET_DIR:-$PWD/target}/debug/svgx
# With the workspace, as the tests: its own features would compile the crates again.
[ -x "$program" ] || cargo build --quiet --workspace --bin svgx
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
"$program" drill ServiceDown SessionStoreFailed HighErrorRate --jobs 3 --no-journal --state-dir "$state"
