#!/usr/bin/env bash
# The experiments of chaos/: each is validated and run by Chaos Toolkit against an engine on loopback,
# and fails when the engine deviates or the fault moves nothing. Then the guard rails: another address
# is refused, an inert fault is noticed, and a fault ends when its runner is killed.
# Usage: tests/chaos.sh [NAME...], all experiments by default. SVGX_CHAOS_PROGRAM names another binary.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${SVGX_TEST_TOOLS:-$PWD/target/tools}/chaos-$(sha256sum tests/chaos/requirements.txt | cut -c 1-16)
if [ ! -e "$venv/installed" ]; then
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet -r tests/chaos/requirements.txt && touch "$venv/installed"; } ||
        { rm -rf "$venv"; echo "Chaos Toolkit cannot be had here (Python 3.10 with venv, and PyPI)"; exit 77; }
fi
python=$venv/bin/python
program=${SVGX_CHAOS_PROGRAM:-${CARGO_TARGET_DIR:-$PWD/target}/debug/svgx}
# With the workspace, as the tests: its own features would compile the crates again.
[ -x "$program" ] || cargo build --quiet --workspace --bin svgx

work=$(mktemp -d)
state=$work/state
stack() { "$python" chaos/svgx_chaos.py "$@"; }
leave() {
    [ ! -e "$state/stack.json" ] || stack down "$state" || true
    rm -rf "$work"
}
trap leave EXIT
restart() {
    [ ! -e "$state/stack.json" ] || stack down "$state"
    rm -rf "$state"
    stack up "$state" "$program" >"$work/environment"
    . "$work/environment"
}
# Nothing is written beside what is asked for, and nobody is asked for a newer version.
chaos() { "$venv/bin/chaos" --no-version-check --settings "$work/none" --log-file "$work/chaos.log" "$@"; }
run() { chaos run --journal-path "$work/journal.json" "$1"; }
failed=0
fail() {
    failed=1
    echo "FAILED: $*"
}

experiments=()
for name in "${@:-}"; do
    for file in chaos/${name:-*}.yaml; do experiments+=("$file"); done
done
export PYTHONPATH=$PWD/chaos PYTHONDONTWRITEBYTECODE=1
"$python" tests/chaos/alerts.py "${experiments[@]}"
for experiment in "${experiments[@]}"; do
    chaos validate "$experiment" >"$work/said" 2>&1 || { cat "$work/said"; fail "$experiment is not valid"; }
done
[ $failed = 0 ] || exit 1

restart
for experiment in "${experiments[@]}"; do
    began=$SECONDS code=0 seen=
    rm -f "$work/journal.json"
    run "$experiment" >"$work/said" 2>&1 || code=$?
    if [ $code = 0 ] && seen=$("$python" tests/chaos/journal.py "$work/journal.json"); then
        echo "$experiment: $((SECONDS - began)) s, $seen"
    else
        cat "$work/said"
        tail -n 5 "$state/engine.log"
        fail "$experiment: exit $code, $seen"
        restart
    fi
done

# What has to fail: the same experiment with another address, without its fault, with too small a one.
must_fail() {
    local what=$1 said=$2 experiment=$3
    rm -f "$work/journal.json"
    if run "$experiment" >"$work/said" 2>&1; then fail "$what was not noticed"; fi
    grep -q "$said" "$work/said" || { cat "$work/said"; fail "$what: not for the reason \"$said\""; }
    [ ! -e "$state/undo.json" ] || fail "$what: a fault is left"
}
SVGX_CHAOS_PUBLIC=192.0.2.1:80 must_fail "an address of another machine" "not an address of loopback" chaos/stopped.yaml
SVGX_CHAOS_PUBLIC=127.0.0.1:1 must_fail "the address of another service" "the stack in .* is at" chaos/stopped.yaml
sed 's/svgx_faults, func: stop_engine.*}}/svgx_chaos, func: stack_is_ours}/' chaos/stopped.yaml >"$work/none.yaml"
must_fail "a method without its fault" "fault-was-seen" "$work/none.yaml"
sed 's/requests: 300/requests: 5/' chaos/noisy-key.yaml >"$work/small.yaml"
must_fail "a fault that moves nothing" "fault-was-seen" "$work/small.yaml"

# The runner is killed while the engine is stopped.
engine() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["engine"]["pid"])' "$state/stack.json"; }
is_stopped() { grep -q '^State:.T' "/proc/$1/status"; }
pid=$(engine)
"$venv/bin/chaos" --no-version-check --settings "$work/none" --log-file "$work/chaos.log" run \
    --journal-path "$work/journal.json" chaos/stopped.yaml >"$work/said" 2>&1 &
runner=$!
for _ in $(seq 300); do is_stopped "$pid" && break; sleep 0.1; done
is_stopped "$pid" || fail "the engine was never stopped"
kill -KILL "$runner"
wait "$runner" 2>/dev/null || true
is_there() { is_stopped "$pid" || [ -e "$state/undo.json" ]; }
for _ in $(seq 100); do is_there || break; sleep 0.1; done
if is_there; then fail "10 s after the runner was killed its fault is there"; fi

stack down "$state"
if [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status"; then fail "the engine is left"; fi
exit $failed
