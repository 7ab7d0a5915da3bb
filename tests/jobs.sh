#!/usr/bin/env bash
# Jobs on workers: a Redis, two engines and three `svgx work` on free ports of loopback, which end with the
# test. Workers and the Redis are killed while jobs run: each job has one answer, which is the one that the
# endpoint gives, and none is lost; a job that three workers were lost with is set aside and named.
# SVGX_TEST_JOBS=2000, SVGX_TEST_JOBS_KILLS=200, SVGX_TEST_JOBS_RESTARTS=5 and SVGX_TEST_JOBS_QUEUED=10000 make
# it the long form; every figure is printed.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v redis-server >/dev/null || {
    # The package starts a service of its own where services are started; this test starts its own.
    { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >&2; } ||
        { echo "redis-server is not installed here"; exit 77; }
}
program=${SVGX_JOBS_PROGRAM:-${CARGO_TARGET_DIR:-$PWD/target}/debug/svgx}
unset SVGX_JOBS_PROGRAM
# With the workspace, as the tests: its own features would compile the crates again.
[ -x "$program" ] || cargo build --quiet --workspace --bin svgx
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/tests/replicas
timeout "${SVGX_TEST_JOBS_TIMEOUT:-600}" python3 -u tests/jobs/check.py "$program" redis-server
