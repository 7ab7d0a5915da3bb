"""The process is killed, stopped, or has not what it needs."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path

from svgx_can import need, time_library
from svgx_guard import SEEN, activity, check, inject, moved, ours, running
from svgx_stack import (
    alive, ask, click, edit, end, load, probe, problem, retry_after, send, start, until, write,
)


# Killed

WIDTH = 3  # Of the stroke that edits widen by one each, in the drawing as it is loaded.

@activity
def kill_under_edits(configuration, sessions=3, edits=30, seconds=60):
    """Kills the engine while edits are written, after so many were acknowledged."""
    stack = ours(configuration)
    acknowledged = {f"killed-{os.getpid()}-{i}": WIDTH for i in range(sessions)}
    for session in acknowledged:
        until("a drawing is loaded", lambda: load(stack, session)[0] == 200, 30)

    def edits_of(session):
        for value in range(WIDTH + 1, 100_000):
            answer = edit(stack, session, value)
            while answer[0] == 503:
                time.sleep(0.1)
                answer = edit(stack, session, value)
            if answer[0] != 200:
                return
            acknowledged[session] = value

    inject(stack, seconds, {"how": "start", "part": "engine"})
    with ThreadPoolExecutor(sessions) as pool:
        for session in acknowledged:
            pool.submit(edits_of, session)
        try:
            until("edits are acknowledged", lambda: sum(acknowledged.values()) >= edits + sessions * WIDTH, 40)
        finally:
            send(stack["engine"], signal.SIGKILL)
    SEEN.update(acknowledged=acknowledged, killed=stack["engine"])
    return acknowledged


@activity
def engine_is_gone(configuration):
    """The process is gone, and nothing answers at its addresses."""
    stack = ours(configuration)
    until("the process is gone", lambda: not alive(stack["engine"]), 5)
    check(probe(stack, "/livez") == 0 and click(stack)[0] == 0, "something still answers")
    edits = sum(last - WIDTH for last in SEEN["acknowledged"].values())
    return moved(f"no answer after {edits} acknowledged edits")


@activity
def acknowledged_edits_are_there(configuration):
    """Each drawing holds the last edit that was acknowledged, or the one that was on its way."""
    stack = ours(configuration)
    check(stack["engine"] != SEEN["killed"], "it is the same process")
    for session, last in SEEN["acknowledged"].items():
        def picture():
            answer = ask(stack, "GET", f"/sessions/{session}/drawing.svg", timeout=30)
            check(answer[0] in (200, 503), f"{session}: {answer[0]} {answer[2][:200]}")
            return answer[0] == 200 and answer[2].decode()
        element = re.search(r'<path[^>]*id="cable1"[^>]*>', until("the drawing is made", picture, 40))[0]
        found = int(re.search(r'stroke-width="(\d+)"', element)[1])
        check(found in (last, last + 1), f"{session}: {last} was acknowledged, {found} is there")
    return True


# Stopped

@activity
def stop_engine(configuration, seconds=20):
    """Stops the process as a whole (SIGSTOP); a click is on its way when it goes on."""
    stack = ours(configuration)
    inject(stack, seconds, {"how": "continue", "process": stack["engine"]})
    send(stack["engine"], signal.SIGSTOP)
    until("every thread is stopped", lambda: states(stack["engine"]) == {"T"}, 5)
    pool = ThreadPoolExecutor(1)
    SEEN["waiting"] = pool.submit(click, stack, timeout=seconds + 20)
    pool.shutdown(wait=False)
    return True


def states(process):
    """The states of its threads."""
    stats = Path(f"/proc/{process['pid']}/task").glob("*/stat")
    return {path.read_text().rpartition(")")[2].split()[0] for path in stats}


@activity
def engine_does_not_answer(configuration):
    """It is there and says nothing: connections are taken, by the kernel, and not answered."""
    stack = ours(configuration)
    check(states(stack["engine"]) == {"T"}, "it is not stopped")
    check(ask(stack, "GET", "/livez", at="internal", timeout=2)[0] == 0, "it answers")
    check(not SEEN["waiting"].done(), "the click was answered")
    return moved("no answer to a probe within 2 s")


@activity
def waiting_click_is_answered(configuration):
    """The click that was sent while it was stopped: answered, or refused with a problem."""
    ours(configuration)
    answer = SEEN["waiting"].result(timeout=30)
    if answer[0] == 200:
        return 200
    check(answer[0] == 503, f"{answer[0]} {answer[2][:200]}")
    retry_after(answer, 60)
    return problem(answer)["code"]


# Its clock jumps

@activity
def start_with_a_clock(configuration, seconds=90):
    """Starts the engine anew with a clock of day that can be set (libfaketime)."""
    stack = ours(configuration)
    need("clock", stack)
    write(Path(stack["state"]) / "clock", "+0\n")
    inject(stack, seconds, {"how": "restart", "part": "engine"})
    end(running(stack, "engine"))
    start(stack, "engine", variables={
        "LD_PRELOAD": str(time_library()), "FAKETIME_TIMESTAMP_FILE": str(Path(stack["state"]) / "clock"),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    })
    return True


@activity
def set_clock(configuration, offset):
    """Sets the engine's clock so many seconds before or after that of the machine."""
    write(Path(ours(configuration)["state"]) / "clock", f"{offset:+d}\n")
    return True


@activity
def clock_has_jumped(configuration, offset):
    """Answers bear the other time; requests, refusals and jobs take no notice of it."""
    stack = ours(configuration)

    def off():
        answer = click(stack)
        return answer[0] == 200 and parsedate_to_datetime(answer[1]["Date"]).timestamp() - time.time()
    until(f"answers are dated {offset} s off", lambda: abs((off() or 0) - offset) < 30, 10)
    check(edit(stack, "steady", int(1000 * time.monotonic()))[0] == 200, "an edit is refused")
    check(probe(stack, "/readyz") == 200, "not ready")
    check(ask(stack, "GET", "/slo")[0] == 200, "the state of the objectives is not told")
    return moved(f"the clock is {offset:+d} s off")
