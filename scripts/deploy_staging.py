#!/usr/bin/env python3
"""Starts `svgx staging deploy` with the arguments given here, and ends with its exit code.

Builds the image, pushes it, deploys, waits, validates, and goes back if that fails. To be run in
the root of the project. --dry-run only tells the steps.

The program is looked for in this order: the file that SVGX_BIN names; target/release/svgx and
target/debug/svgx of this checkout (CARGO_TARGET_DIR instead of target/, where it is set); svgx on
the PATH.
"""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def places():
    """Where the program may be."""
    if os.environ.get("SVGX_BIN"):
        return [os.environ["SVGX_BIN"]]
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    return [target / "release" / "svgx", target / "debug" / "svgx", shutil.which("svgx")]


def main():
    tried = [str(place) for place in places() if place]
    for program in tried:
        if os.access(program, os.X_OK) and os.path.isfile(program):
            # Not a setting of the service, which refuses names that it does not know.
            os.environ.pop("SVGX_BIN", None)
            os.execv(program, [program, "staging", "deploy", *sys.argv[1:]])
    print(f"svgx is not built; looked for {', '.join(tried)}", file=sys.stderr)
    print("build it: cargo build --release --bin svgx; or name it: SVGX_BIN=FILE", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
