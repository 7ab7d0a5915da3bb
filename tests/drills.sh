#!/usr/bin/env bash
# Three drills side by side: a killed engine, a bad configuration, and three days of history that stand just
# below a rule. Then a game day: a fault that is not told, and a script that plays the operator. Each
# starts a stack of its own on free ports of loopback.
# SVGX_TEST_DRILLS=1 ./test drills runs what needs many minutes as well: drills that were broken (a rule renamed,
# a command of a page that fails, a fault that is none, a notification that nobody gets, a threshold that was doubled),
# each of which has to fail at the right step, and drills whose runner is killed at twenty moments.
# All drills: `svgx drill --all`, which also writes the journals under runbooks/.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in prometheus promtool curl; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed here"; exit 77; }
done
command -v prometheus-alertmanager >/dev/null || command -v alertmanager >/dev/null ||
    { echo "Alertmanager is not installed here"; exit 77; }
program=${SVGX_DRILLS_PROGRAM:-${CARGO_TARGET_DIR:-$PWD/target}/debug/svgx}
unset SVGX_DRILLS_PROGRAM
# With the workspace, as the tests: its own features would compile the crates again.
[ -x "$program" ] || cargo build --quiet --workspace --bin svgx
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
"$program" drill ServiceDown HighErrorRate ErrorBudgetBurn-3d --jobs 3 --no-journal --state-dir "$state"
python3 tests/chaos/game_day.py "$program" "$state" ServiceDown SessionStoreFailed
if [ "${SVGX_TEST_DRILLS:-}" = 1 ]; then
    cargo test --workspace --test suite operations::drill
fi
