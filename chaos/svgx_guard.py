"""The guard rails: whom a fault may touch, how it is undone, and by whom when the runner is gone.
What an activity is, and what the activities of one run know of each other.
"""

import contextlib
import functools
import ipaddress
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from svgx_stack import Refused, alive, end, known, locked, marked, named, read, send, start, write

# Of this run, which is one process: what activities saw, for later ones; how it goes.
SEEN = {}
RUN = {"begun": False, "effect": None, "failures": []}


def ours(configuration):
    """The stack that is meant, if it is one of this machine that was started here, or adopted."""
    for name in ("public", "internal"):
        must_be_loopback(configuration[name])
    path = Path(configuration["state"]) / "stack.json"
    if not path.exists():
        raise Refused(f"no stack was started in {configuration['state']}")
    stack = known(path.parent)
    if any(configuration[name] != stack[name] for name in ("public", "internal")):
        raise Refused(f"the stack in {stack['state']} is at {stack['public']} and {stack['internal']}")
    for name in ("collector_at", "prometheus_at", "alertmanager_at"):
        if name in stack:
            must_be_loopback(stack[name])
    return stack


def must_be_loopback(address):
    if not ipaddress.ip_address(address.rpartition(":")[0].strip("[]")).is_loopback:
        raise Refused(f"{address} is not an address of loopback")


def inject(stack, seconds, *undo):
    """Notes how a fault that is about to be made is undone; starts the guardian.

    A second fault of the same run is undone together with the first, which it may outlast.
    """
    state, runner, end_at = Path(stack["state"]), named(os.getpid()), time.monotonic() + seconds
    with locked(state):
        if (state / "undo.json").exists():
            noted = read(state / "undo.json")
            if noted["runner"] != runner:
                raise Refused("a fault that was made before is not undone yet")
            noted.update(steps=[*noted["steps"], *undo], until=max(noted["until"], end_at))
            write(state / "undo.json", noted)
            return
        # The guardian first: a runner that is killed here leaves nothing behind.
        command = [sys.executable, __file__, stack["state"], str(runner["pid"]), str(runner["start"])]
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        subprocess.Popen(command, **quiet, start_new_session=True)
        write(state / "undo.json", {"runner": runner, "steps": undo, "until": end_at})


def guard(state, runner):
    """Undoes the faults when the runner is dead or the time is over."""
    noted, tries = None, 10
    while True:
        runs = alive(runner)
        try:
            noted = read(state / "undo.json")
        except FileNotFoundError:
            # It has been undone, or is not written yet.
            if noted or not runs:
                return
            time.sleep(0.05)
            continue
        if noted["runner"] != runner:
            return
        late = time.monotonic() > noted["until"]
        if late or not runs:
            if late:
                write(state / "late.json", runner)
            try:
                undo_all(state, runner)
            except AssertionError:
                tries -= 1
                if not tries:
                    raise
                time.sleep(1)
        time.sleep(0.2)


def undo_all(state, runner=None):
    """Undoes what the list says, last first; what fails stays on it, to be tried again.

    Of one runner only, where it is given. Each step may be done twice.
    """
    with locked(state):
        path = state / "undo.json"
        if not path.exists():
            return
        noted, stack, failed = read(path), known(state), {}
        if runner and noted["runner"] != runner:
            return
        for number, step in reversed([*enumerate(noted["steps"])]):
            try:
                UNDO[step["how"]](stack, step)
            except Exception as error:
                failed[number] = f"{step}: {error!r}"
        if failed:
            write(path, {**noted, "steps": [step for number, step in enumerate(noted["steps"]) if number in failed]})
            raise AssertionError(f"not undone: {[*failed.values()]}")
        path.unlink()


def restore_limit(_, step):
    if alive(step["process"]):
        resource.prlimit(step["process"]["pid"], step["resource"], tuple(step["limit"]))


def restore_cores(_, step):
    if alive(step["process"]):
        pin(step["process"], step["cores"])


def pin(process, cores):
    """Lets every thread of a process run on these processors only."""
    for thread in os.listdir(f"/proc/{process['pid']}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), cores)


def end_marked(stack, step):
    """Ends every process that was started with a mark: one that is just being started too."""
    mark, clear = mark_of(stack, step["mark"]), 0
    while clear < 2:
        found = marked(mark)
        for process in found:
            end(process, patience=3)
        clear = 0 if found else clear + 1
        time.sleep(0.1)


def leave_group(_, step):
    """Puts what is in a control group back where it was, and removes the group."""
    group = Path(step["group"])
    for _ in range(50):
        if not group.exists():
            return
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (Path(step["back"]) / "cgroup.procs").write_text(pid)
        with contextlib.suppress(OSError):
            group.rmdir()
        time.sleep(0.1)
    raise AssertionError(f"{group} is still there")


def remove(_, step):
    for path in map(Path, step["paths"]):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def restart(stack, step):
    """Starts a part anew, as it is started without a fault."""
    end(stack.get(step["part"]))
    start(stack, step["part"])


UNDO = {
    "start": lambda stack, step: start(stack, step["part"]),
    "restart": restart,
    "continue": lambda _, step: alive(step["process"]) and send(step["process"], signal.SIGCONT),
    "end-marked": end_marked,
    "remove": remove,
    "restore-limit": restore_limit,
    "restore-cores": restore_cores,
    "leave-group": leave_group,
    "restore-file": lambda _, step: write(Path(step["path"]), step["text"]),
}


def mark_of(stack, name):
    return f"{stack['state']}:{name}"


def helper(stack, name, command, **options):
    """Starts a process that a fault needs. The undo list has to have `end-marked` with its name."""
    environment = {"PATH": os.environ["PATH"], "CHAOS_MARK": mark_of(stack, name)}
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([str(word) for word in command], env=environment, **{**quiet, **options})


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


def running(stack, part):
    """A part of the stack, which has to run."""
    if not alive(stack.get(part)):
        raise Refused(f"this stack has no {part} that runs")
    return stack[part]


def check(holds, what):
    if not holds:
        raise AssertionError(what)


if __name__ == "__main__":
    guard(Path(sys.argv[1]), {"pid": int(sys.argv[2]), "start": int(sys.argv[3])})
