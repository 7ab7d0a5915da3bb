"""The guard rails: whom a fault may touch, how it is undone, and by whom when the runner is gone.
What an activity is, and what the activities of one run know of each other.
"""

import contextlib
import functools
import ipaddress
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from svgx_stack import Refused, alive, known, locked, named, read, send, start, write

# Of this run, which is one process: what activities saw, for later ones; how it goes.
SEEN = {}
RUN = {"begun": False, "effect": None, "failures": []}


def ours(configuration):
    """The stack that is meant, if it is one of this machine that was started here, or adopted."""
    for name in ("public", "internal"):
        if not ipaddress.ip_address(configuration[name].rpartition(":")[0].strip("[]")).is_loopback:
            raise Refused(f"{configuration[name]} is not an address of loopback")
    path = Path(configuration["state"]) / "stack.json"
    if not path.exists():
        raise Refused(f"no stack was started in {configuration['state']}")
    stack = known(path.parent)
    if any(configuration[name] != stack[name] for name in ("public", "internal")):
        raise Refused(f"the stack in {stack['state']} is at {stack['public']} and {stack['internal']}")
    return stack


def inject(stack, seconds, *undo):
    """Notes how a fault that is about to be made is undone; starts the guardian."""
    state, runner = Path(stack["state"]), named(os.getpid())
    if (state / "undo.json").exists():
        raise Refused("a fault that was made before is not undone yet")
    write(state / "undo.json", {"runner": runner, "steps": undo})
    command = [sys.executable, __file__, stack["state"], str(runner["pid"]), str(runner["start"]), str(seconds)]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)


def due(state, runner):
    """Whether a fault of this runner is still to be undone."""
    with contextlib.suppress(FileNotFoundError):
        return read(state / "undo.json")["runner"] == runner
    return False


def guard(state, runner, seconds):
    """Undoes the faults when the runner is dead or the time is over."""
    end = time.monotonic() + seconds
    while due(state, runner):
        late = time.monotonic() > end
        if late or not alive(runner):
            if late:
                write(state / "late.json", runner)
            undo_all(state)
        time.sleep(0.2)


def undo_all(state):
    """Undoes what the list says, last first; each step may be done again."""
    with locked(state):
        path = state / "undo.json"
        if not path.exists():
            return
        stack, failed = known(state), []
        for step in reversed(read(path)["steps"]):
            try:
                UNDO[step["how"]](stack, step)
            except Exception as error:
                failed.append(f"{step}: {error!r}")
        path.unlink()
        if failed:
            raise AssertionError(f"not undone: {failed}")


def restore_limit(_, step):
    if alive(step["process"]):
        resource.prlimit(step["process"]["pid"], resource.RLIMIT_FSIZE, tuple(step["limit"]))


UNDO = {
    "start": lambda stack, step: start(stack, step["part"]),
    "continue": lambda _, step: alive(step["process"]) and send(step["process"], signal.SIGCONT),
    "end": lambda stack, step: alive(stack.get(step["part"])) and send(stack[step["part"]], signal.SIGKILL),
    "restore-limit": restore_limit,
    "restore-file": lambda _, step: write(Path(step["path"]), step["text"]),
}


def moved(effect):
    """What a fault moved; a run without is inert."""
    RUN["effect"] = effect
    return effect


def activity(function):
    """A failure is remembered: Chaos Toolkit goes on after one in a method."""
    @functools.wraps(function)
    def run(configuration, *positional, **arguments):
        try:
            return function(configuration, *positional, **arguments)
        except Exception as error:
            RUN["failures"].append(f"{function.__name__}: {error}")
            raise
    return run


def check(holds, what):
    if not holds:
        raise AssertionError(what)


if __name__ == "__main__":
    guard(Path(sys.argv[1]), {"pid": int(sys.argv[2]), "start": int(sys.argv[3])}, float(sys.argv[4]))
