#!/usr/bin/env bash
# Shapes beside GEOS: booleans of rings that cross themselves and of outlines with arcs, and parallels.
# Usage: tests/shapes.sh [COUNT], 600 without.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${SVGX_TEST_TOOLS:-$PWD/target/tools}/shapes-$(sha256sum tests/shapes/requirements.txt | cut -c 1-16)
if [ ! -e "$venv/installed" ]; then
    { python3 -m venv "$venv" >&2 && "$venv/bin/pip" install --quiet -r tests/shapes/requirements.txt >&2 && touch "$venv/installed"; } ||
        { rm -rf "$venv"; echo "Shapely cannot be had here (Python 3.10 with venv, and PyPI)"; exit 77; }
fi
cases=$(mktemp)
trap 'rm -f "$cases"' EXIT
# A crate without features of others: alone it builds nothing anew.
cargo run --quiet -p svgx-shapes --example judged -- "${1:-600}" >"$cases"
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" tests/shapes/judge.py <"$cases"
