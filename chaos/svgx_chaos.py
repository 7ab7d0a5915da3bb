"""The command of this folder, and what every experiment looks at before, after and in the end.

    eval "$(python3 chaos/svgx_chaos.py up STATE [SVGX])"      an engine and a collector of its own
    eval "$(python3 chaos/svgx_chaos.py adopt DIR [SVGX])"     the stack of `svgx stack up --state-dir DIR`
    python3 chaos/svgx_chaos.py undo|down STATE                STATE is DIR/chaos for an adopted stack
    python3 chaos/svgx_chaos.py skip STATE EXPERIMENT          exit 77, and why, when it cannot be done here
    python3 chaos/svgx_chaos.py keys                           the keys an adopted engine needs, where it asks for any

Nothing is touched but what `up` or `svgx stack` started (process id and time of start), at loopback
addresses. Before a fault is made, how it is undone is on disk, and a guardian waits to do it: when the
runner has died, or the fault has lasted longer than it may. Needs Linux and Python 3.10, nothing else.
"""

import os
import sys
from pathlib import Path

from svgx_can import skip
from svgx_guard import RUN, activity, ours, undo_all
from svgx_stack import ROOT, Refused, adopt, alive, click, down, keys_file, known, named, probe, read, until, up


@activity
def stack_is_ours(configuration):
    """The addresses are of loopback, and the engine there is the one that was started here, or adopted."""
    if not alive(ours(configuration)["engine"]):
        raise Refused("the engine that was started here is gone")
    return True


@activity
def click_is_answered(configuration):
    """A click on the drawing of the session is answered, as soon as there is room for it."""
    stack = ours(configuration)
    until("a click is answered", lambda: click(stack)[0] == 200, 30)
    return True


@activity
def nothing_failed(configuration):
    """Each activity of this run did what it says; after the method, the fault was also seen."""
    late = Path(ours(configuration)["state"]) / "late.json"
    if late.exists() and read(late) == named(os.getpid()):
        raise AssertionError("the fault had to be undone by the guardian: it lasted too long")
    if RUN["failures"]:
        raise AssertionError("; ".join(RUN["failures"]))
    if RUN["begun"] and not RUN["effect"]:
        raise AssertionError("inert: the fault moved nothing that was looked at")
    RUN["begun"] = True
    return True


@activity
def undo(configuration):
    """Undoes the fault; nothing when it is undone."""
    undo_all(Path(ours(configuration)["state"]))
    return True


@activity
def steady_again(configuration, seconds=30):
    """Ready, and a click is answered."""
    stack = ours(configuration)
    until("ready", lambda: probe(stack, "/readyz") == 200, seconds)
    return click_is_answered(configuration)


def main(command, *rest):
    folder = Path(rest[0]).resolve() if rest else None
    if command == "up":
        up(folder, rest[1] if len(rest) > 1 else str(ROOT / "target/debug/svgx"))
    elif command == "adopt":
        adopt(folder, *rest[1:])
    elif command == "undo":
        undo_all(folder)
    elif command == "down":
        undo_all(folder)
        down(folder)
    elif command == "skip":
        sys.exit(77 if skip(rest[1], known(folder)) else 0)
    elif command == "keys":
        print(keys_file(), end="")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as error:
        sys.exit(f"svgx_chaos: {error}")
