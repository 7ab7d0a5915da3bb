#!/usr/bin/env bash
# Opens the first page of a running engine in headless Chromium.
# Called by ./test; exit 77 with a reason where Chromium or npm cannot be had.
set -uo pipefail
cd "$(dirname "$0")/.."
puppeteer=25.16.0
work=${SVGX_TEST_TOOLS:-target/tools}/pages-$puppeteer

if ! command -v chromium >/dev/null; then
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null 2>&1
fi
command -v chromium >/dev/null || { echo "no Chromium here: the pages are not opened"; exit 77; }
command -v npm >/dev/null || { echo "no npm here: the pages are not opened"; exit 77; }
if [ ! -e "$work/installed" ]; then
    mkdir -p "$work" && printf '{"private":true}' >"$work/package.json"
    npm --prefix "$work" install --ignore-scripts --no-audit --no-fund --silent "puppeteer-core@$puppeteer" ||
        { echo "npm cannot fetch puppeteer-core here"; exit 77; }
    touch "$work/installed"
fi
# With the workspace, as the tests: its own features would compile the crates again.
cargo build --quiet --workspace --bin svgx || exit 1
cp tests/pages.mjs "$work/pages.mjs"
exec node "$work/pages.mjs" "${CARGO_TARGET_DIR:-target}/debug/svgx" "$work"
