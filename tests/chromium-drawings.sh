#!/usr/bin/env bash
# Compares the drawings under tests/drawings/ with headless Chromium, pixel by pixel.
# SVGX is the program to compare (default: a debug build); SVGX_DRAWING a part of a
# name, to compare these only. Exit 77 with a reason where Chromium or npm cannot be had.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/chromium/install.sh
chromium "the drawings are not compared" fonts-dejavu-core
# Chromium must have the face that is in our binary.
[ -n "$(fc-list 'DejaVu Sans' 2>/dev/null)" ] ||
    { echo "no DejaVu Sans here (fonts-dejavu-core): the drawings are not compared"; exit 77; }
if [ -z "${SVGX:-}" ]; then
    cargo build --quiet --workspace --bin svgx || exit 1
    SVGX=${CARGO_TARGET_DIR:-target}/debug/svgx
fi
cp tests/chromium-drawings.mjs "$work/chromium-drawings.mjs"
mkdir -p target/chromium-drawings
exec node "$work/chromium-drawings.mjs" "$SVGX" tests/drawings target/chromium-drawings "${SVGX_DRAWING:-}"
