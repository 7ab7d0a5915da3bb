#!/usr/bin/env bash
# PDF beside its readers: drawings are put on paper, and qpdf finds nothing wrong with the file,
# PDFium paints what `svgx render` paints, and pdfplumber finds the text, the size of the page and
# the layers. Further drawings may be named.
# Usage: tests/pdf.sh [FILE.svgx...]; SVGX_PDF_PROGRAM names another binary.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${SVGX_TEST_TOOLS:-$PWD/target/tools}/pdf-$(sha256sum tests/pdf/requirements.txt | cut -c 1-16)
if [ ! -e "$venv/installed" ]; then
    { python3 -m venv "$venv" >&2 && "$venv/bin/pip" install --quiet -r tests/pdf/requirements.txt >&2 && touch "$venv/installed"; } ||
        { rm -rf "$venv"; echo "the readers of PDF cannot be had here (Python 3.11 with venv, and PyPI)"; exit 77; }
fi
program=${SVGX_PDF_PROGRAM:-${CARGO_TARGET_DIR:-$PWD/target}/debug/svgx}
# The engine refuses variables of its prefix that it does not know.
unset SVGX_PDF_PROGRAM
# With the workspace, as the tests: its own features would compile the crates again.
[ -x "$program" ] || cargo build --quiet --workspace --bin svgx
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" tests/pdf/compare.py "$program" examples/*.svgx examples/*/*.svgx "$@"
