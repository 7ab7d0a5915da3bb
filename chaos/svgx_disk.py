"""The disk under the store: full, slow, broken, read-only.

Faults of the running process: a limit on the size of its files, and system calls that `strace` delays
or lets fail. The store (redb) writes with pwrite64, ftruncate and fdatasync. Faults of a real file
system: the engine is started in a mount namespace of its own (`unshare -m`), with a small disk mounted
over its data; nobody else sees the mount, and it is gone when the engine is.
"""

import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

from svgx_can import need
from svgx_guard import SEEN, activity, check, helper, inject, moved, ours, running
from svgx_stack import (
    SVG, alive, ask, delete, drawing, edit, end, load, metric, probe, problem, retry_after, start, until,
)


@activity
def limit_files(configuration, seconds=60):
    """Lets no file of the running engine grow beyond what the store's has now (RLIMIT_FSIZE)."""
    stack = ours(configuration)
    engine = SEEN["engine"] = running(stack, "engine")
    limit = resource.prlimit(engine["pid"], resource.RLIMIT_FSIZE)
    size = (Path(stack["data"]) / "sessions.redb").stat().st_size
    inject(stack, seconds, {"how": "restore-limit", "process": engine, "resource": resource.RLIMIT_FSIZE, "limit": limit})
    resource.prlimit(engine["pid"], resource.RLIMIT_FSIZE, (size, limit[1]))
    return size


# System calls that fail or wait

def trace(stack, seconds, *injections):
    """Attaches strace to every thread of the engine, so that these calls are tampered with."""
    need("attach")
    engine = SEEN["engine"] = running(stack, "engine")
    inject(stack, seconds, {"how": "end-marked", "mark": "strace"})
    words = [word for injection in injections for word in ("-e", f"inject={injection}")]
    calls = ",".join(injection.partition(":")[0] for injection in injections)
    helper(stack, "strace", ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", *words, "-p", str(engine["pid"])])
    until("strace is attached", lambda: all(tracer(engine)), 10)


def tracer(process):
    """The process that traces each of its threads, 0 for none."""
    for path in Path(f"/proc/{process['pid']}/task").glob("*/status"):
        yield int(path.read_text().partition("TracerPid:")[2].split()[0])


@activity
def slow_disk(configuration, delay_ms=250, seconds=60):
    """Lets each fdatasync of the engine take longer."""
    trace(ours(configuration), seconds, f"fdatasync:delay_enter={1000 * delay_ms}")
    SEEN["delay"] = delay_ms / 1000
    return delay_ms


@activity
def edits_wait_for_the_disk(configuration):
    """An edit is acknowledged when it is on the disk, not before; what needs no store does not wait."""
    stack = ours(configuration)
    times = {"edit": [], "parse": []}
    for _ in range(5):
        began = time.monotonic()
        answer = edit(stack, "steady", int(1000 * time.monotonic()))
        if answer[0] == 200:
            times["edit"].append(time.monotonic() - began)
        began = time.monotonic()
        if ask(stack, "POST", "/parse", drawing(f"<!--{began}-->"), timeout=20, **SVG)[0] == 200:
            times["parse"].append(time.monotonic() - began)
    check(times["edit"] and times["parse"], f"{times}")
    check(min(times["edit"]) >= SEEN["delay"], f"an edit took {min(times['edit']):.3f} s")
    check(min(times["parse"]) < SEEN["delay"], f"parsing took {min(times['parse']):.3f} s")
    return moved(f"edits took {min(times['edit']):.2f} s, parsing {min(times['parse']):.3f} s")


@activity
def break_disk(configuration, error="EIO", calls=("fdatasync",), seconds=60):
    """Lets these calls of the engine fail; others go on as they did."""
    trace(ours(configuration), seconds, *(f"{call}:error={error}" for call in calls))
    return error


@activity
def strace_is_gone(configuration):
    """No thread is traced any more, and it is the same process."""
    ours(configuration)
    until("no thread is traced", lambda: not any(tracer(SEEN["engine"])), 10)
    check(alive(SEEN["engine"]), "the engine did not outlive it")
    return True


# A small disk of its own

# What is mounted over the data, which is copied there. The words after it are the engine's.
MOUNT = {
    "tmpfs": 'mount -t tmpfs -o "size=$2" svgx-chaos "$3"',
    "ext4": 'mount -t ext4 -o loop,errors=remount-ro "$4" "$3"',
}
COPY = '[ -e "$3/sessions.redb" ] || cp -a "$5/." "$3/"'


@activity
def start_on_a_small_disk(configuration, kind="tmpfs", megabytes=16, seconds=120):
    """Starts the engine anew, its data copied to a disk that only it sees, with so much room beside them."""
    stack = ours(configuration)
    need("full-disk" if kind == "tmpfs" else "loop")
    state, data = Path(stack["state"]), Path(stack["data"])
    copy, image = state / "copy", state / "disk.img"
    inject(stack, seconds, {"how": "restart", "part": "engine"}, {"how": "remove", "paths": [str(copy), str(image)]})
    end(running(stack, "engine"))
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(data, copy)
    megabytes += sum(path.stat().st_size for path in copy.rglob("*")) >> 20
    if kind == "ext4":
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True, capture_output=True)
    SEEN["disk"] = (kind, megabytes, str(data), str(image), str(copy))
    return start_on_the_disk(stack)


def start_on_the_disk(stack):
    kind, megabytes, data, image, copy = SEEN["disk"]
    script = f'set -e; {MOUNT[kind]}; {COPY}; shift 5; exec "$@"'
    start(stack, "engine", before=["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh",
                                   kind, f"{megabytes}m", data, image, copy])
    SEEN["engine"] = stack["engine"]
    check(shutil.disk_usage(inside(stack)).total <= megabytes << 20, "it does not see the small disk")
    return shutil.disk_usage(inside(stack)).free


def inside(stack):
    """The engine's data as the engine sees it."""
    return Path(f"/proc/{running(stack, 'engine')['pid']}/root{stack['data']}")


@activity
def fill_disk(configuration):
    """Takes all the room that is left on the small disk."""
    stack = ours(configuration)
    filler, size = inside(stack) / "filler", 1 << 20
    with open(filler, "ab", buffering=0) as file:
        while size:
            try:
                if not file.write(b"x" * size):
                    size = 0
            except OSError:
                size //= 2
    return filler.stat().st_size


@activity
def make_room(configuration):
    """Gives the room back."""
    (inside(ours(configuration)) / "filler").unlink()
    return True


@activity
def make_disk_read_only(configuration):
    """Lets the file system end as it does after an error of its disk: read-only, for open files too."""
    stack = ours(configuration)
    # The namespace of the engine alone; `abort` is ext4's own way to try this.
    subprocess.run(["nsenter", "-m", "-t", str(running(stack, "engine")["pid"]), "mount", "-o", "remount,abort", stack["data"]],
                   check=False, capture_output=True)
    try:
        (inside(stack) / "filler").write_bytes(b"x")
    except OSError as error:
        return os.strerror(error.errno)
    raise AssertionError("the disk still takes files")


@activity
def start_on_the_same_disk(configuration):
    """Starts the engine anew on the disk that was read-only, mounted anew."""
    stack = ours(configuration)
    end(running(stack, "engine"))
    return start_on_the_disk(stack)


# What is looked at

def large():
    """The session of a drawing for which there is no room."""
    return f"large-{os.getpid()}"


@activity
def store_refuses(configuration, padding=0):
    """Not ready, alive, every edit refused with the reason and a time; what needs no store works.

    `padding` is the bytes of a drawing for which there is no room, where smaller ones still have some.
    """
    stack = ours(configuration)

    def refused():
        if padding:
            answer = load(stack, large(), padding)
        else:
            answer = edit(stack, "steady", int(1000 * time.monotonic()))
        return answer[0] == 503 and problem(answer)["code"] == "store-failed"
    until("an edit is refused", refused, 30)
    until("not ready", lambda: probe(stack, "/readyz") == 503)

    def edit_refused():
        answer = edit(stack, "steady", int(1000 * time.monotonic()))  # One that changes nothing would write nothing.
        check(answer[0] == 503, f"{answer[0]} {answer[2][:200]}")
        # On a busy machine an edit may also be late.
        return answer if problem(answer)["code"] == "store-failed" else None
    SEEN["retry-after"] = retry_after(until("an edit is refused for the store", edit_refused), 5)
    check(probe(stack, "/livez") == 200, "not alive")
    check(metric(stack, "svgx_session_store_available") == 0, "the metric says that it takes writes")
    until("what needs no store is done", lambda: ask(stack, "POST", "/parse", drawing(), timeout=20, **SVG)[0] == 200)
    return moved("svgx_session_store_available is 0")


@activity
def store_takes_edits_again(configuration):
    """After the time that the refusal said, by itself: the same process takes an edit."""
    stack = ours(configuration)
    time.sleep(SEEN["retry-after"])
    until("an edit is taken", lambda: edit(stack, "steady", int(1000 * time.monotonic()))[0] == 200, 10)
    check(stack["engine"] == SEEN["engine"] and alive(SEEN["engine"]), "it was restarted")
    check(metric(stack, "svgx_session_store_available") == 1, "the metric says that it takes no writes")
    until("the large drawing is deleted", lambda: delete(stack, large()), 10)
    return True
