"""Faults inside of the engine: a build with fault points (`--features faults`) is started with some."""

import time

from svgx_can import need
from svgx_guard import activity, check, inject, moved, ours, running
from svgx_stack import SVG, ask, drawing, edit, end, problem, start, until


@activity
def start_with_faults(configuration, faults, seconds=90):
    """Starts the engine anew with fault points armed."""
    stack = ours(configuration)
    need("faults", stack)
    inject(stack, seconds, {"how": "restart", "part": "engine"})
    end(running(stack, "engine"))
    start(stack, "engine", variables={"SVGX_FAULTS": faults})
    return True


def parse(stack, number):
    """A drawing that was never asked for: its status, and how long it took."""
    began = time.monotonic()
    answer = ask(stack, "POST", "/parse", drawing(f"<circle r='{number + 1}'/>"), **SVG)
    return answer, time.monotonic() - began


@activity
def drawings_fail(configuration, times=40):
    """Some of the drawings are answered with an error, as a problem document; the others are answered."""
    stack = ours(configuration)
    answers = [parse(stack, n)[0] for n in range(times)]
    failed = [problem(answer)["code"] for answer in answers if answer[0] == 500]
    check(all(a[0] in (200, 500, 503) for a in answers), f"{sorted({a[0] for a in answers})}")
    check(0 < len(failed) < times, f"{len(failed)} of {times} failed")
    return moved(f"{len(failed)} of {times} drawings failed")


@activity
def drawings_wait(configuration, least, times=10):
    """Every drawing takes at least so many seconds, or is refused."""
    stack = ours(configuration)
    took = [seconds for answer, seconds in (parse(stack, n) for n in range(times)) if answer[0] == 200]
    check(took and min(took) >= least, f"{took}")
    return moved(f"{len(took)} of {times} drawings took {min(took):.2f} s and more")


@activity
def edits_are_refused(configuration, seconds=20):
    """An edit is refused because the store failed, and others are taken."""
    stack, seen = ours(configuration), set()

    def both():
        answer = edit(stack, "steady", int(1000 * time.monotonic()))
        seen.add(200 if answer[0] == 200 else problem(answer)["code"])
        return {200, "store-failed"} <= seen
    until(f"edits are taken and refused: {seen}", both, seconds)
    return moved("edits were refused with store-failed")


@activity
def cores_are(configuration, cores, seconds=20):
    """The engine believes that it has so many processors."""
    stack = ours(configuration)
    until(f"{cores} processors are sensed", lambda: f'"cores":{cores}' in ask(stack, "GET", "/slo")[2].decode().replace(" ", ""), seconds)
    return moved(f"{cores} processors are sensed")
