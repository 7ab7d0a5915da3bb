#!/usr/bin/env python3
"""Starts `svgx staging deploy` with the arguments given here, and ends with its exit code.

Builds the image, pushes it, deploys, waits, validates, and goes back if that fails. To be run in
the root of the project. --dry-run only tells the steps.

The program is looked for in this order: the file that SVGX_BIN names; target/release/svgx and
target/debug/svgx of this checkout (CARGO_TARGET_DIR instead of target/, where it is set); svgx on
the PATH.
"""

import sys

import program

if __name__ == "__main__":
    sys.exit(program.start("staging", "deploy", *sys.argv[1:]))
