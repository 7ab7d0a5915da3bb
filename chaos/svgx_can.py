"""Which faults this machine and this stack can do, and why not the others.

An experiment names what it needs (`needs` of its extension); where that is missing it is skipped,
with the reason. A fault that is tried all the same is refused: it never passes.
"""

import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from svgx_stack import Refused, alive

GROUPS = Path("/sys/fs/cgroup")


def tried(*command):
    """Why a harmless try of a command failed; None when it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else f"{command[0]}: {(done.stderr.strip() or 'failed').splitlines()[0]}"


def program(name):
    return None if shutil.which(name) else f"{name} is not installed"


def strace():
    if reason := program("strace"):
        return reason
    sleeper = subprocess.Popen(["sleep", "5"])
    try:
        words = ["-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", "-p", str(sleeper.pid)]
        tracer = subprocess.Popen(["strace", *words], stderr=subprocess.PIPE, text=True)
        for _ in range(20):
            if f"TracerPid:\t{tracer.pid}\n" in Path(f"/proc/{sleeper.pid}/status").read_text():
                return None
            time.sleep(0.05)
        return "strace cannot attach to a process here"
    finally:
        tracer.terminate()
        tracer.communicate()
        sleeper.kill()
        sleeper.wait()


def mount():
    script = 'mount -t tmpfs -o size=1m svgx-chaos "$1"'
    return program("unshare") or tried("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", "/mnt")


def loop():
    for name in ("mkfs.ext4", "losetup", "nsenter"):
        if reason := program(name):
            return reason
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(1 << 20)
        script = 'mkfs.ext4 -q -F "$1" && mount -t ext4 -o loop "$1" /mnt'
        return mount() or tried("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", image.name)


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


def group(controller):
    found = group_of(controller)
    if not found:
        return f"no control group here limits {controller}"
    try:
        tried_group = found[1] / f"svgx-chaos-can-{os.getpid()}"
        tried_group.mkdir()
        tried_group.rmdir()
    except OSError as error:
        return f"no control group can be made: {error.strerror}"
    return None


def cores():
    return None if len(os.sched_getaffinity(0)) > 1 else "there is one processor"


def time_library():
    """libfaketime, where it is."""
    places = [Path(os.environ.get("SVGX_CHAOS_FAKETIME", "/none"))]
    places += [Path(root, "faketime/libfaketime.so.1") for root in (
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib")]
    return next((place for place in places if place.is_file()), None)


def clock(stack=None):
    if not time_library():
        return "libfaketime is not installed"
    if stack and b"ld-linux" not in Path(stack["program"]).read_bytes()[:4096]:
        return f"{stack['program']} is linked statically: its clock cannot be faked"
    return None


def netem():
    if reason := program("tc"):
        return reason
    # In a network of its own, so that nobody's packets wait.
    return program("unshare") or tried("unshare", "-n", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")


def packets():
    return program("nft") or tried("unshare", "-n", "nft", "add", "table", "inet", "svgx")


def mapper():
    return program("dmsetup") or tried("dmsetup", "targets")


def part(name):
    return lambda stack: None if alive(stack.get(name)) else f"this stack has no {name} that runs"


def own(stack):
    return "the Collector of an adopted stack is not ours to put something before" if stack["adopted"] else None


def keys(stack):
    return None if stack["keys"] else "the engine of this stack asks for no keys"


# Name: what it does, and why it cannot.
MACHINE = {
    "signal": ("kill, stop and continue a process of the stack", lambda: None),
    "limit": ("size of files and number of descriptors of a running process (prlimit)", lambda: None),
    "attach": ("system calls of a running process delayed or failing", strace),
    "full-disk": ("a small disk in a mount namespace of the engine's own", mount),
    "loop": ("a file system that becomes read-only (loop device, ext4)", loop),
    "quota": ("a share of a processor (control group, v1 or v2)", lambda: group("cpu")),
    "one-core": ("one processor of several (affinity)", cores),
    "memory": ("a limit of memory (control group, v1 or v2)", lambda: group("memory")),
    "clock": ("the clock of one process (libfaketime)", clock),
    "connections": ("delay, bandwidth, reset and partition of connections (a proxy of ours)", lambda: None),
}
STACK = {
    "collector": ("its collector", part("collector")),
    "own-collector": ("a proxy before its collector", own),
    "prometheus": ("its Prometheus", part("prometheus")),
    "alertmanager": ("its Alertmanager", part("alertmanager")),
    "keys": ("the keys of its file", keys),
}
# What no experiment uses: said, so that nobody looks for it.
UNUSED = {
    "delay": ("delay and loss of packets by the kernel", netem),
    "loss": ("loss of packets by nftables", packets),
    "flakey": ("a disk that fails (dm-flakey)", mapper),
}


@functools.cache
def machine(name):
    return MACHINE[name][1]()


def missing(name, stack=None):
    """Why something is not to be had; None when it is."""
    if name in STACK:
        return STACK[name][1](stack) if stack else None
    return machine(name) or (clock(stack) if name == "clock" else None)


def need(name, stack=None):
    if reason := missing(name, stack):
        raise Refused(f"SKIP {name}: {reason}")


def needs(experiment):
    """What an experiment needs; its file is read as text, as there may be no library for it."""
    found = re.search(r"(?m)^    needs: \[(.*)\]$", Path(experiment).read_text())
    names = [name.strip() for name in found[1].split(",")] if found else []
    if unknown := [name for name in names if name not in MACHINE and name not in STACK]:
        raise Refused(f"{experiment} needs what nobody knows: {unknown}")
    return names


def can():
    """Prints what this machine can do."""
    for name, (what, reason) in {**MACHINE, **UNUSED}.items():
        why = reason()
        note = ", used by no experiment" if name in UNUSED else ""
        print(f"{name:16} {'no ' if why else 'yes'} {what}{note}{f': {why}' if why else ''}")


def skip(experiment, stack):
    """Whether an experiment cannot be done here; prints why."""
    reasons = {name: reason for name in needs(experiment) if (reason := missing(name, stack))}
    for name, reason in reasons.items():
        print(f"SKIP {experiment}: {name}: {reason}")
    return bool(reasons)
