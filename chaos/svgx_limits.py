"""The process has less than it needs: descriptors, processor, memory."""

import http.client
import os
import re
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from svgx_can import group_of, need
from svgx_guard import SEEN, activity, check, inject, moved, ours, pin, running
from svgx_stack import SVG, alive, ask, click, drawing, probe, until

# Descriptors

@activity
def take_descriptors(configuration, spare=0, seconds=60):
    """Lets the running engine open hardly any more files or connections (RLIMIT_NOFILE)."""
    stack = ours(configuration)
    engine = SEEN["engine"] = running(stack, "engine")
    SEEN["kept"] = http.client.HTTPConnection(stack["public"], timeout=10)
    until("a click is answered", lambda: click(stack, over=SEEN["kept"])[0] == 200)
    limit = resource.prlimit(engine["pid"], resource.RLIMIT_NOFILE)
    inject(stack, seconds, {"how": "restore-limit", "process": engine, "resource": resource.RLIMIT_NOFILE, "limit": limit})
    used, free = {int(number) for number in os.listdir(f"/proc/{engine['pid']}/fd")}, 0
    # The lowest number is given next: below the limit `spare` are free.
    while free in used or (spare := spare - 1) >= 0:
        free += 1
    resource.prlimit(engine["pid"], resource.RLIMIT_NOFILE, (free, limit[1]))
    return free


@activity
def no_connection_is_taken(configuration):
    """New connections get no answer; one that was open goes on, also with what has to be durable."""
    stack = ours(configuration)
    SEEN["new"] = []

    def unanswered():
        SEEN["new"].append(ask(stack, "GET", "/health", timeout=1)[0])
        return SEEN["new"].count(0) >= 2
    until("new connections get no answer", unanswered)
    for _ in range(5):
        answer = click(stack, over=SEEN["kept"])
        check(answer[0] in (200, 503), f"the open connection: {answer[0]} {answer[2][:200]}")
    check(alive(SEEN["engine"]), "it is gone")
    return moved(f"{SEEN['new'].count(0)} of {len(SEEN['new'])} new connections without an answer")


@activity
def connections_are_taken_again(configuration):
    """By the same process."""
    stack = ours(configuration)
    until("a new connection is answered", lambda: click(stack)[0] == 200 and probe(stack, "/readyz") == 200)
    SEEN.pop("kept").close()
    check(alive(SEEN["engine"]) and stack["engine"] == SEEN["engine"], "it was restarted")
    return True


# Control groups and affinity

def put_in_group(stack, controller, seconds, *undo):
    """Puts the engine in a control group of its own; which kind, and where it is."""
    engine = running(stack, "engine")
    kind, root, back = group_of(controller, engine["pid"])
    group = root / f"svgx-chaos-{engine['pid']}"
    SEEN.update(engine=engine, group=group, kind=kind)
    inject(stack, seconds, {"how": "leave-group", "group": str(group), "back": str(back)}, *undo)
    group.mkdir()
    return kind, group


@activity
def share_processor(configuration, share=0.5, seconds=60):
    """Lets the engine use a share of one processor."""
    stack = ours(configuration)
    need("quota")
    kind, group = put_in_group(stack, "cpu", seconds)
    if kind == "v1":
        (group / "cpu.cfs_period_us").write_text("100000")
        (group / "cpu.cfs_quota_us").write_text(str(round(100_000 * share)))
    else:
        (group / "cpu.max").write_text(f"{round(100_000 * share)} 100000")
    (group / "cgroup.procs").write_text(str(SEEN["engine"]["pid"]))
    SEEN["used"] = used(SEEN["engine"])
    return share


@activity
def use_one_core(configuration, seconds=60):
    """Lets every thread of the engine run on one processor only."""
    stack = ours(configuration)
    need("one-core")
    engine = SEEN["engine"] = running(stack, "engine")
    inject(stack, seconds, {"how": "restore-cores", "process": engine, "cores": sorted(os.sched_getaffinity(engine["pid"]))})
    pin(engine, [min(os.sched_getaffinity(engine["pid"]))])
    SEEN["used"] = used(engine)
    return True


def used(process):
    """When, and the seconds of processor it has used."""
    fields = Path(f"/proc/{process['pid']}/stat").read_text().rpartition(")")[2].split()
    return time.monotonic(), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cores_used():
    (then, before), (now, after) = SEEN["used"], used(SEEN["engine"])
    return (after - before) / (now - then)


@activity
def it_was_throttled(configuration, share=0.5):
    """It had to wait for its share, and used no more."""
    ours(configuration)
    waited = int(re.search(r"nr_throttled (\d+)", (SEEN["group"] / "cpu.stat").read_text())[1])
    check(waited > 0, "it never had to wait")
    check(cores_used() <= 1.1 * share, f"it used {cores_used():.2f} processors")
    return moved(f"throttled {waited} times, {cores_used():.2f} processors used")


@activity
def it_ran_on_one_core(configuration):
    """No thread may run elsewhere, and together they used no more than one."""
    ours(configuration)
    threads = os.listdir(f"/proc/{SEEN['engine']['pid']}/task")
    cores = {core for thread in threads for core in os.sched_getaffinity(int(thread))}
    check(len(cores) == 1, f"threads may run on {cores}")
    check(0.05 <= cores_used() <= 1.05, f"{cores_used():.2f} processors were used")
    return moved(f"{len(threads)} threads, {cores_used():.2f} processors used")


@activity
def limit_memory(configuration, megabytes=48, seconds=60):
    """Lets the engine take little more memory than it has; beyond that the kernel kills it."""
    stack = ours(configuration)
    need("memory")
    kind, group = put_in_group(stack, "memory", seconds, {"how": "start", "part": "engine"})
    # What it holds stays with the group it was in: only new pages count.
    (group / ("memory.limit_in_bytes" if kind == "v1" else "memory.max")).write_text(str(megabytes << 20))
    (group / "cgroup.procs").write_text(str(SEEN["engine"]["pid"]))
    return megabytes


def times_at_limit():
    """How often memory was refused, and processes were killed for it."""
    if SEEN["kind"] == "v1":
        killed = re.search(r"oom_kill (\d+)", (SEEN["group"] / "memory.oom_control").read_text())
        return int((SEEN["group"] / "memory.failcnt").read_text()), int(killed[1]) if killed else 0
    events = (SEEN["group"] / "memory.events").read_text()
    return tuple(int(re.search(rf"(?m)^{name} (\d+)", events)[1]) for name in ("max", "oom_kill"))


@activity
def memory_runs_out(configuration, seconds=20):
    """Large drawings, eight at a time, until the limit is met."""
    stack, end = ours(configuration), time.monotonic() + seconds

    def parse(number):
        while time.monotonic() < end and times_at_limit() == (0, 0):
            body = drawing(f"<!--{number}-->" + "".join(f'<path id="p{number}-{i}" d="M{i} 0L5 5"/>' for i in range(100_000)))
            ask(stack, "POST", "/parse", body, timeout=30, **SVG)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(parse, range(8)))
    refused, killed = times_at_limit()
    check(refused or killed, "the limit was never met")
    return moved(f"memory refused {refused} times, {'killed' if not alive(SEEN['engine']) or killed else 'not killed'}")
