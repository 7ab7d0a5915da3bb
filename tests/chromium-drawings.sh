#!/usr/bin/env bash
# Compares the drawings under tests/drawings/ with headless Chromium, pixel by pixel.
# SVGX is the program to compare (default: a debug build); SVGX_DRAWING a part of a
# name, to compare these only. Exit 77 with a reason where Chromium or npm cannot be had.
set -uo pipefail
cd "$(dirname "$0")/.."
puppeteer=25.16.0
work=${SVGX_TEST_TOOLS:-target/tools}/pages-$puppeteer

if ! command -v chromium >/dev/null; then
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1
fi
command -v chromium >/dev/null || { echo "no Chromium here: the drawings are not compared"; exit 77; }
command -v npm >/dev/null || { echo "no npm here: the drawings are not compared"; exit 77; }
# Chromium must have the face that is in our binary.
[ -n "$(fc-list 'DejaVu Sans' 2>/dev/null)" ] ||
    { echo "no DejaVu Sans here (fonts-dejavu-core): the drawings are not compared"; exit 77; }
if [ ! -e "$work/installed" ]; then
    mkdir -p "$work" && printf '{"private":true}' >"$work/package.json"
    npm --prefix "$work" install --ignore-scripts --no-audit --no-fund --silent "puppeteer-core@$puppeteer" ||
        { echo "npm cannot fetch puppeteer-core here"; exit 77; }
    touch "$work/installed"
fi
if [ -z "${SVGX:-}" ]; then
    cargo build --quiet --workspace --bin svgx || exit 1
    SVGX=${CARGO_TARGET_DIR:-target}/debug/svgx
fi
cp tests/chromium-drawings.mjs "$work/chromium-drawings.mjs"
mkdir -p target/chromium-drawings
exec node "$work/chromium-drawings.mjs" "$SVGX" tests/drawings target/chromium-drawings "${SVGX_DRAWING:-}"
