"""Finds the program for the scripts beside this file, and becomes it."""

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


def start(*command):
    """Becomes `svgx COMMAND...`; answers 2 where there is no program."""
    tried = [str(place) for place in places() if place]
    for program in tried:
        if os.access(program, os.X_OK) and os.path.isfile(program):
            # Not a setting of the service, which refuses names that it does not know.
            os.environ.pop("SVGX_BIN", None)
            os.execv(program, [program, *command])
    print(f"svgx is not built; looked for {', '.join(tried)}", file=sys.stderr)
    print("build it: cargo build --release --bin svgx; or name it: SVGX_BIN=FILE", file=sys.stderr)
    return 2
