"""Kills the runner of experiments at random moments, and looks that nothing of the fault is left.

    killed_runner.py CHAOS STATE [KILLS] [SEED]

CHAOS is the command of Chaos Toolkit, STATE the folder of a stack that `svgx_chaos.py up` started. The
runner gets SIGKILL at a random moment after its first fault was written down. Within ten seconds there
must be no undo list, helper, guardian, stopped or traced process, limit, control group, affinity, mount,
loop device or namespace that was not there before, and the stack has to be ready. Exit 1 otherwise.
"""

import contextlib
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "chaos"))
from svgx_can import missing, needs
from svgx_disk import tracer
from svgx_stack import alive, click, known, probe, status, until

WITHIN = 10
LIMITS = ("FSIZE", "NOFILE", "AS", "CPU")


def helpers(state):
    """Processes that a fault has started: all that bear a mark of this stack and are not of it."""
    stack, mark, found = known(state), f"CHAOS_MARK={state}:".encode(), []
    parts = [part["pid"] for part in (stack["engine"], stack["collector"]) if part]
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (*parts, os.getpid()):
            continue
        try:
            guards = b"svgx_guard.py\0" + os.fsencode(state) in (entry / "cmdline").read_bytes()
            if guards or mark in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
        except OSError:
            pass
    return found


def machine(stack):
    """What a fault may leave on the machine: mounts, loop devices, control groups."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found = [f"mount: {line}" for line in mounts if "svgx-chaos" in line or stack["state"] in line]
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            if stack["state"] in path.read_text():
                found.append(f"loop device: {path}")
    pids = [stack[name]["pid"] for name in ("engine", "collector") if stack.get(name)]
    groups = Path("/sys/fs/cgroup").glob("**/svgx-chaos-*")
    return found + [f"control group: {path}" for path in groups if any(path.name == f"svgx-chaos-{pid}" for pid in pids)]


def normal(process):
    """What a fault may change of a process."""
    pid = process["pid"]
    threads = sorted(os.listdir(f"/proc/{pid}/task"))
    return {
        "limits": {name: resource.prlimit(pid, getattr(resource, f"RLIMIT_{name}")) for name in LIMITS},
        "cores": {core for thread in threads for core in os.sched_getaffinity(int(thread))},
        "namespaces": {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in ("mnt", "net", "pid", "user")},
        "group": Path(f"/proc/{pid}/cgroup").read_text(),
        "preload": b"LD_PRELOAD" in Path(f"/proc/{pid}/environ").read_bytes(),
    }


def left(state, before):
    """What is not as it was before the fault."""
    found = [] if not (Path(state) / "undo.json").exists() else ["an undo list"]
    stack = known(state)
    found += [f"helper: {command}" for command in helpers(state)]
    found += machine(stack)
    for name in ("engine", "collector"):
        process = stack.get(name)
        if not alive(process):
            found.append(f"no {name}")
            continue
        try:
            if status(process["pid"])[0] in "Tt":
                found.append(f"{name} is stopped")
            tracers = {str(pid) for pid in tracer(process)}
            if tracers != {"0"}:
                found.append(f"{name} is traced by {tracers}")
            now = normal(process)
            found += [f"{name}: {what} {now[what]}, was {was}" for what, was in before[name].items() if now[what] != was]
        except (OSError, TypeError):
            found.append(f"{name} is going")
    if keys_gone(stack):
        found.append("the file of keys")
    if not found and probe(stack, "/readyz") != 200:
        found.append("not ready")
    return found


def keys_gone(stack):
    return "revoked:" not in Path(stack["keys"]).read_text()


def kill_one(chaos, experiment, state, before, moment):
    """One kill so long after the first fault was written down: what was there then, and what was left."""
    begun = Path(state) / "undo.json"
    runner = subprocess.Popen(
        [chaos, "--no-version-check", "--settings", f"{state}/none", "--log-file", f"{state}/chaos-toolkit.log",
         "run", "--journal-path", f"{state}/journal.json", str(experiment)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not begun.exists() and runner.poll() is None:
        time.sleep(0.005)
    end_at = time.monotonic() + moment
    while time.monotonic() < end_at and begun.exists():
        time.sleep(0.005)
    midst = begun.exists() and runner.poll() is None
    runner.kill()
    runner.wait()
    began = time.monotonic()
    there = left(state, before)
    found = there
    while found and time.monotonic() < began + WITHIN:
        time.sleep(0.1)
        found = left(state, before)
    return midst, there, time.monotonic() - began, found


def main(chaos, state, kills="20", seed="1"):
    state, chance, folder = str(Path(state).resolve()), random.Random(int(seed)), Path(__file__).resolve().parents[2] / "chaos"
    stack = known(state)
    os.environ.update({f"SVGX_CHAOS_{name.upper()}": stack[name] for name in ("public", "internal", "state")}, PYTHONPATH=str(folder))
    experiments = [path for path in sorted(folder.glob("*.yaml")) if not any(missing(name, stack) for name in needs(path))]
    order, failed, times = [], 0, []
    while len(order) < int(kills):
        order += chance.sample(experiments, len(experiments))
    for experiment in order[:int(kills)]:
        moment, midst = chance.uniform(0, 3), False
        # One whose fault was undone before is tried again, sooner.
        while not midst and moment > 0.01:
            until("ready", lambda: probe(known(state), "/readyz") == 200 and click(known(state))[0] == 200, 30)
            stack = known(state)
            before = {name: normal(stack[name]) for name in ("engine", "collector")}
            midst, there, took, found = kill_one(chaos, experiment, state, before, moment)
            if found:
                break
            moment /= 2
        there = "; ".join(" ".join(what.split())[:90] for what in there if "svgx_guard.py" not in what)
        times.append(took)
        failed += bool(found) or not midst
        end = f"clean after {took:.2f} s" if midst else "FAILED: its fault was always undone before"
        end = f"FAILED, left: {found}" if found else end
        print(f"{experiment.stem}: {end}; killed after {2 * moment:.2f} s, then there was: {there}", flush=True)
    times.sort()
    print(f"{len(times)} kills, {failed} failed; clean after {times[len(times) // 2]:.2f} s (median), {times[-1]:.2f} s (longest)")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main(*sys.argv[1:])
