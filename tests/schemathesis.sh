#!/usr/bin/env bash
# Property-based tests of the running service against its own description, with
# every check of schemathesis: no 5xx, no answer that the description does not
# know. The seed is fixed and the run bounded, so that two runs ask the same.
# Usage: tests/schemathesis.sh [OPTION OF st run...]
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/service/start.sh

version=4.32.5
venv=${SVGX_TEST_TOOLS:-$PWD/target/tools}/schemathesis-$version
if [ ! -x "$venv/bin/st" ]; then
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "schemathesis==$version"; } ||
        { rm -rf "$venv"; echo "schemathesis cannot be had here (Python 3.10 with venv, and PyPI)"; exit 77; }
fi
key=schemathesis-0123456789abcdef
# Unoptimised, it is too slow for its budgets, and would rightly refuse.
start --api-key "test:$key" --rate-limit off --controller shadow
"$venv/bin/st" --config-file tests/service/schemathesis.toml run "http://$public/openapi.json" \
    --header "Authorization: Bearer $key" --request-timeout 30 "$@"
