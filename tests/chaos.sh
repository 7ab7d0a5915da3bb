#!/usr/bin/env bash
# The experiments of chaos/: each is validated and run by Chaos Toolkit against an engine on loopback,
# and fails when the engine deviates or the fault moves nothing. One that this machine cannot do is
# skipped, and says why. Then the guard rails: another address is refused, an inert fault is noticed,
# and nothing of a fault is left when its runner is killed.
# Usage: tests/chaos.sh [NAME...]. Without names all are validated and those run that are not tagged
# `long`; with SVGX_TEST_CHAOS=all every one is run. SVGX_CHAOS_PROGRAM names another binary,
# SVGX_CHAOS_KILLS and SVGX_CHAOS_SEED how often the runner is killed, and which moments are drawn.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${SVGX_TEST_TOOLS:-$PWD/target/tools}/chaos-$(sha256sum tests/chaos/requirements.txt | cut -c 1-16)
if [ ! -e "$venv/installed" ]; then
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet -r tests/chaos/requirements.txt && touch "$venv/installed"; } ||
        { rm -rf "$venv"; echo "Chaos Toolkit cannot be had here (Python 3.10 with venv, and PyPI)"; exit 77; }
fi
python=$venv/bin/python
program=${SVGX_CHAOS_PROGRAM:-${CARGO_TARGET_DIR:-$PWD/target}/debug/svgx}
which=${SVGX_TEST_CHAOS:-} kills=${SVGX_CHAOS_KILLS:-3} seed=${SVGX_CHAOS_SEED:-$RANDOM}
# The engine refuses variables of its prefix that it does not know.
unset SVGX_CHAOS_PROGRAM SVGX_TEST_CHAOS SVGX_CHAOS_KILLS SVGX_CHAOS_SEED
# With the workspace, as the tests: its own features would compile the crates again.
[ -x "$program" ] || cargo build --quiet --workspace --bin svgx

work=$(mktemp -d)
state=$work/state
# Whoever asks what this machine can do asks this binary.
can=SVGX_CHAOS_CAN=$program
stack() { env "$can" "$python" chaos/svgx_chaos.py "$@"; }
leave() {
    "$program" stack --state-dir "$work/stack" down >/dev/null 2>&1 || true
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
chaos() { env "$can" "$venv/bin/chaos" --no-version-check --settings "$work/none" --log-file "$work/chaos.log" "$@"; }
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
"$python" tests/chaos/kubernetes.py chaos/kubernetes/*.yaml
"$python" tests/chaos/watch.py
"$python" tests/chaos/valid.py "${experiments[@]}"
if [ $# = 0 ] && [ "$which" != all ]; then
    mapfile -t experiments < <(grep -LE '^tags: .*\blong\b' "${experiments[@]}")
fi

# Runs one against the stack that the variables name; `again` brings it back when it has failed.
one() {
    local experiment=$1 again=$2 began=$SECONDS code=0 seen=
    stack skip "$SVGX_CHAOS_STATE" "$experiment" || return 0
    rm -f "$work/journal.json"
    run "$experiment" >"$work/said" 2>&1 || code=$?
    if [ $code = 0 ] && seen=$("$python" tests/chaos/journal.py "$work/journal.json"); then
        echo "$experiment: $((SECONDS - began)) s, $seen"
    else
        cat "$work/said"
        fail "$experiment: exit $code, $seen"
        $again
    fi
}

# Those that break what watches the engine need a stack that has it; one of the others is run on it too.
whole=$work/stack watchers=()
mapfile -t watchers < <(grep -lE '^    needs: .*\bprometheus\b' "${experiments[@]}")
if [ ${#watchers[@]} -gt 0 ]; then
    if ! command -v prometheus >/dev/null || ! { command -v prometheus-alertmanager || command -v alertmanager; } >/dev/null; then
        for experiment in "${watchers[@]}"; do echo "SKIP $experiment: Prometheus or Alertmanager is not installed"; done
    else
        "$program" stack --state-dir "$whole" up receiver engine alertmanager prometheus --ports free >"$work/said" 2>&1 ||
            { cat "$work/said"; exit 1; }
        stack adopt "$whole" "$program" >"$work/environment"
        . "$work/environment"
        for experiment in "${watchers[@]}" chaos/stopped.yaml; do one "$experiment" true; done
        stack down "$whole/chaos"
        { "$program" stack --state-dir "$whole" status --json || true; } | grep -q '"part":"engine","pid":[0-9]' || fail "an adopted engine was ended"
        "$program" stack --state-dir "$whole" down >/dev/null
    fi
fi

restart
for experiment in "${experiments[@]}"; do
    [[ " ${watchers[*]} " == *" $experiment "* ]] || one "$experiment" restart
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
sed 's/svgx_process, func: stop_engine.*}}/svgx_chaos, func: stack_is_ours}/' chaos/stopped.yaml >"$work/none.yaml"
must_fail "a method without its fault" "fault-was-seen" "$work/none.yaml"
sed 's/requests: 300/requests: 5/' chaos/noisy-key.yaml >"$work/small.yaml"
must_fail "a fault that moves nothing" "fault-was-seen" "$work/small.yaml"

# What a machine cannot do is skipped, and does not pass when it is tried all the same.
if env "$can" PATH="$work/no" "$python" chaos/svgx_chaos.py skip "$state" chaos/slow-disk.yaml >"$work/said"; then fail "strace was found where it is not"; fi
grep -q '^SKIP chaos/slow-disk.yaml: attach: strace is not installed' "$work/said" || fail "a skip without its reason"
rm -f "$work/journal.json"
if env "$can" PATH="$work/no" "$venv/bin/chaos" --no-version-check --settings "$work/none" --log-file "$work/chaos.log" run \
    --journal-path "$work/journal.json" chaos/slow-disk.yaml >"$work/said" 2>&1; then fail "a fault that cannot be made has passed"; fi
grep -q 'SKIP attach: strace is not installed' "$work/said" || fail "a fault that cannot be made failed for another reason"
if stack adopt "$work" >"$work/said" 2>&1 || ! grep -q 'no engine of `svgx stack` runs in' "$work/said"; then fail "what is no stack was adopted"; fi

# The runner is killed in the midst of a fault, of three that are drawn.
echo "seed $seed"
env "$can" "$python" tests/chaos/killed_runner.py "$venv/bin/chaos" "$state" "$kills" "$seed" || fail "something was left"

pid=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["engine"]["pid"])' "$state/stack.json")
stack down "$state"
if [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status"; then fail "the engine is left"; fi
exit $failed
