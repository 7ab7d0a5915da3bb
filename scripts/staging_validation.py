#!/usr/bin/env python3
"""Starts `svgx staging validate` with the arguments given here, and ends with its exit code.

Validates http://localhost:8000 where --url names no other service. The key is that of
$SVGX_API_KEY or --key.

The program is looked for in this order: the file that SVGX_BIN names; target/release/svgx and
target/debug/svgx of this checkout (CARGO_TARGET_DIR instead of target/, where it is set); svgx on
the PATH.
"""

import sys

import program

if __name__ == "__main__":
    sys.exit(program.start("staging", "validate", *sys.argv[1:]))
