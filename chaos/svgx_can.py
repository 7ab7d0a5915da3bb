"""What this stack can do of the faults, and why not the others; what the machine can is known to
`svgx chaos can`, and asked of the program that the stack runs.

An experiment names what it needs (`needs` of its extension); where that is missing it is skipped,
with the reason. A fault that is tried all the same is refused: it never passes.
"""

import functools
import json
import os
import re
import subprocess
from pathlib import Path

from svgx_stack import ROOT, Refused, alive

GROUPS = Path("/sys/fs/cgroup")


def group_of(controller, pid="self"):
    """The control group of a process: where its controller's groups are, and the group it is in."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return "v1", GROUPS / controller, GROUPS / controller / path.lstrip("/")
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = GROUPS / "unified" if (GROUPS / "unified").is_dir() else GROUPS
        if not controllers and controller in (root / "cgroup.subtree_control").read_text().split():
            return "v2", root, root / path.lstrip("/")
    return None


def time_library():
    """libfaketime, where it is."""
    places = [Path(os.environ.get("SVGX_CHAOS_FAKETIME", "/none"))]
    places += [Path(root, "faketime/libfaketime.so.1") for root in (
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib")]
    return next((place for place in places if place.is_file()), None)


def static(stack):
    """An engine that is linked statically preloads nothing: its clock cannot be faked."""
    if b"ld-linux" not in Path(stack["program"]).read_bytes()[:4096]:
        return f"{stack['program']} is linked statically: its clock cannot be faked"
    return None


def part(name):
    return lambda stack: None if alive(stack.get(name)) else f"this stack has no {name} that runs"


def own(stack):
    return "the Collector of an adopted stack is not ours to put something before" if stack["adopted"] else None


def faults(stack):
    return machine(stack["program"], "faults")


def keys(stack):
    return None if stack["keys"] else "the engine of this stack asks for no keys"


# Of a stack, beside what the machine can do: name, and why it cannot.
STACK = {
    "collector": part("collector"),
    "own-collector": own,
    "prometheus": part("prometheus"),
    "alertmanager": part("alertmanager"),
    "keys": keys,
    "faults": faults,
    "clock": static,
}


@functools.cache
def machine(program, name):
    """What `svgx chaos can` says of a fault: why the machine cannot; None when it can."""
    command = [program, "chaos", "can", "--format", "json", name]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if said.returncode:
        raise Refused(said.stderr.strip().removeprefix("svgx chaos: "))
    [found] = json.loads(said.stdout)
    return None if found["able"] else found["why"]


def missing(name, stack=None):
    """Why something is not to be had; None when it is."""
    own = STACK[name](stack) if stack and name in STACK else None
    if own or name in STACK and name != "clock":
        return own
    # A soak of another engine names itself.
    program = os.environ.get("SVGX_CHAOS_CAN") or (stack or {}).get("program") or str(ROOT / "target/debug/svgx")
    return machine(program, name)


def need(name, stack=None):
    if reason := missing(name, stack):
        raise Refused(f"SKIP {name}: {reason}")


def needs(experiment):
    """What an experiment needs; its file is read as text, as there may be no library for it."""
    found = re.search(r"(?m)^    needs: \[(.*)\]$", Path(experiment).read_text())
    return [name.strip() for name in found[1].split(",")] if found else []


def skip(experiment, stack):
    """Whether an experiment cannot be done here; prints why."""
    reasons = {name: reason for name in needs(experiment) if (reason := missing(name, stack))}
    for name, reason in reasons.items():
        print(f"SKIP {experiment}: {name}: {reason}")
    return bool(reasons)
