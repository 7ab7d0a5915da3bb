#!/usr/bin/env bash
# DXF beside ezdxf: files of every version with every kind of entity, written by ezdxf, are imported;
# what is drawn and not drawn is all that ezdxf counts, the extents are equal, and the result passes
# `svgx check`. Documents are written as DXF of each version: `ezdxf` finds nothing to audit, counts
# what was told, and what is read back is where it was. Further files may be named.
# Usage: tests/dxf.sh [FILE.dxf...]; --python prints the interpreter that has ezdxf;
# SVGX_DXF_PROGRAM names another binary.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${SVGX_TEST_TOOLS:-$PWD/target/tools}/dxf-$(sha256sum tests/dxf/requirements.txt | cut -c 1-16)
if [ ! -e "$venv/installed" ]; then
    { python3 -m venv "$venv" >&2 && "$venv/bin/pip" install --quiet -r tests/dxf/requirements.txt >&2 && touch "$venv/installed"; } ||
        { rm -rf "$venv"; echo "ezdxf cannot be had here (Python 3.10 with venv, and PyPI)"; exit 77; }
fi
if [ "${1-}" = --python ]; then
    echo "$venv/bin/python"
    exit
fi
program=${SVGX_DXF_PROGRAM:-${CARGO_TARGET_DIR:-$PWD/target}/debug/svgx}
# The engine refuses variables of its prefix that it does not know.
unset SVGX_DXF_PROGRAM
# With the workspace, as the tests: its own features would compile the crates again.
[ -x "$program" ] || cargo build --quiet --workspace --bin svgx
export PYTHONDONTWRITEBYTECODE=1
"$venv/bin/python" tests/dxf/compare.py "$program" "$@"
"$venv/bin/python" tests/dxf/export.py "$program" examples/*.svgx examples/*/*.svgx -- "$@"
