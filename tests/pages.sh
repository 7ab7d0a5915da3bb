#!/usr/bin/env bash
# Opens the first page of a running engine, and the page that embeds a drawing, in headless Chromium.
# Called by ./test; exit 77 with a reason where Chromium or npm cannot be had.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/chromium/install.sh
chromium "the pages are not opened" fonts-liberation
# With the workspace, as the tests: its own features would compile the crates again.
cargo build --quiet --workspace --bin svgx || exit 1
program=${CARGO_TARGET_DIR:-target}/debug/svgx
cp tests/pages.mjs tests/embed.mjs tests/engine.mjs "$work/"
pictures=${CARGO_TARGET_DIR:-target}/pages
mkdir -p "$pictures"
node "$work/pages.mjs" "$program" "$pictures" || exit 1
exec node "$work/embed.mjs" "$program" "$pictures" examples/embed
