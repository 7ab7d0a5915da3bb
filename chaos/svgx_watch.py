"""What has to hold under every fault, looked at by a client that clicks and edits all the while:
clicks are answered, nothing that was acknowledged is lost or done twice, every refusal is a problem
document with a time to come back, and memory is bounded.
"""

import collections
import contextlib
import itertools
import json
import os
import re
import resource
import threading
import time
from pathlib import Path

from svgx_guard import SEEN, activity, check, ours
from svgx_stack import alive, ask, click, delete, edit, known, load, memory, problem, until

NUMBERS = itertools.count()
# Of the processors, taken by what is not the stack and not this run. Beyond it the engine refuses
# more than it would, rightly, and how much is no measure of it.
CROWDED = 0.2


def processors(stack):
    """When, and the seconds of processor that everybody and that we have used."""
    ticks = os.sysconf("SC_CLK_TCK")
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    everybody = (sum(fields[:8]) - fields[3] - fields[4]) / ticks
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ours = {"": sum(one.ru_utime + one.ru_stime for one in usage)}
    for part in (stack.get("engine"), stack.get("collector")):
        if alive(part):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{part['pid']}/stat").read_text().rpartition(")")[2].split()
                ours[part["pid"]] = (int(fields[11]) + int(fields[12])) / ticks
    return time.monotonic(), everybody, ours


def crowded(before, after):
    """The share of the processors that others had in between."""
    used = sum(seconds - before[2].get(who, 0) for who, seconds in after[2].items())
    others = max(0, after[1] - before[1] - used)
    return others / max(0.1, after[0] - before[0]) / os.cpu_count()


class Watch(threading.Thread):
    """A client with a session of its own, whose edits are the numbers from 10 on."""

    def __init__(self, stack, at, pause, timeout):
        super().__init__(daemon=True)
        self.stack, self.pause = stack, pause
        self.options = {"at": at, "timeout": timeout}
        self.session = f"watch-{os.getpid()}-{next(NUMBERS)}"
        self.done = threading.Event()
        self.clicks, self.edits, self.times, self.wrong = collections.Counter(), collections.Counter(), [], []
        # Edits that were acknowledged; the last of them; those after it whose end is not known.
        self.acknowledged, self.last, self.open, self.opened, self.value = 0, None, [], 0, 9
        self.refusals = collections.Counter()
        self.processors = processors(stack)
        self.memory = self.most = memory(stack["engine"], "VmRSS")

    def begin(self):
        until("a drawing is loaded", lambda: load(self.stack, self.session)[0] == 200, 60)
        until("an edit is taken", self.first, 30)
        self.start()

    def first(self):
        answer = edit(self.stack, self.session, self.value)
        if answer[0] == 200:
            self.last, self.begun = self.value, sequence(answer)
        return answer[0] == 200

    def run(self):
        while not self.done.wait(self.pause):
            self.value += 1
            self.note_edit(edit(self.stack, self.session, self.value, **self.options))
            began = time.monotonic()
            answer = click(self.stack, self.session, **self.options)
            self.times.append(time.monotonic() - began)
            self.clicks[self.judged(answer)] += 1
            with contextlib.suppress(OSError, TypeError, KeyError):
                self.most = max(self.most, memory(known(self.stack["state"])["engine"], "VmRSS"))

    def note_edit(self, answer):
        outcome = self.judged(answer)
        self.edits[outcome] += 1
        if outcome == "answered":
            self.acknowledged, self.last, self.open = self.acknowledged + 1, self.value, []
        elif outcome == "nothing" or b"store-failed" in answer[2]:
            # It may have been written all the same: nobody has said that it was.
            self.open.append(self.value)
            self.opened += 1

    def judged(self, answer):
        """Answered, refused, or nothing; whatever else came is wrong."""
        code, headers, body = answer
        if code == 200:
            return "answered"
        if code == 0:
            return "nothing"
        try:
            told = problem(answer)
            name = told["code"]
            self.refusals[told.get("reason", name)] += 1
            if code not in (503, 429):
                self.wrong.append(f"{code} {name}")
            elif not 1 <= int(headers.get("Retry-After") or 0) <= 60:
                self.wrong.append(f"{code} {name} with Retry-After {headers.get('Retry-After')}")
        except (AssertionError, KeyError, ValueError) as error:
            self.wrong.append(f"{code}: {error}")
        return "refused"

    def end(self):
        self.done.set()
        self.join(60)
        check(not self.is_alive(), "the client still waits for an answer")

    def finish(self):
        """Ends the client and looks what became of its edits."""
        self.end()
        stack = known(self.stack["state"])

        def picture():
            answer = ask(stack, "GET", f"/sessions/{self.session}/drawing.svg", timeout=30)
            check(answer[0] in (200, 503), f"{self.session}: {answer[0]} {answer[2][:200]}")
            return answer[0] == 200 and answer[2].decode()
        element = re.search(r'<path[^>]*id="cable1"[^>]*>', until("the drawing is made", picture, 40))[0]
        found = int(re.search(r'stroke-width="(\d+)"', element)[1])
        check(found in (self.last, *self.open), f"{self.last} was acknowledged, {found} is there, {self.open} may be")
        last = until("an edit is taken", lambda: (answer := edit(stack, self.session, found))[0] == 200 and answer, 30)
        records = sequence(last) - self.begun
        least = self.acknowledged + self.clicks["answered"]
        most = least + self.opened + self.clicks["nothing"] + self.clicks["refused"]
        check(least <= records <= most, f"{records} records for {least} acknowledged operations and {most - least} open ones")
        # Sessions that are there are held in memory: one for each fault would look like a leak.
        delete(stack, self.session)


def sequence(answer):
    return json.loads(answer[2])["state"]["sequence"]


@activity
def watch(configuration, at="public", pause=0.05, timeout=10):
    """A client begins to click and to edit; `at` may be the address of a proxy."""
    stack = {**ours(configuration), **SEEN.get("places", {})}
    one = Watch(stack, at, pause, timeout)
    one.begin()
    SEEN.setdefault("watches", {})[at] = one
    return True


@activity
def wait(configuration, seconds):
    """Lets the client that watches go on for a while."""
    ours(configuration)
    time.sleep(seconds)
    return seconds


@activity
def held_all_along(configuration, at="public", share=0.8, silent=0, megabytes=200):
    """Ends the client; what it saw has to be as it must be.

    `share` of those of its clicks that had an answer were answered with a result, where the machine is
    not crowded by others; at most `silent` requests had no answer at all.
    """
    stack = ours(configuration)
    one = SEEN["watches"].pop(at)
    # It is over: one click at least has to come through.
    until("a click was answered", lambda: one.clicks.total() >= 5 and one.clicks["answered"] or not one.is_alive(), 60)
    others = crowded(one.processors, processors(stack))
    one.finish()
    check(not one.wrong, f"wrong answers: {collections.Counter(one.wrong)}")
    clicks, edits = one.clicks.total(), one.edits.total()
    check(clicks >= 5, f"only {clicks} clicks were sent")
    told = clicks - one.clicks["nothing"]
    check(others > CROWDED or one.clicks["answered"] >= share * told, f"clicks: {dict(one.clicks)}, refused as {dict(one.refusals)}")
    nothing = one.clicks["nothing"] + one.edits["nothing"]
    check(nothing <= silent, f"{nothing} of {clicks + edits} requests had no answer, at most {silent} may")
    more = (one.most - one.memory) // 1_000_000
    check(more <= megabytes, f"{more} MB more")
    times = sorted(one.times)
    p95 = round(1000 * times[int(0.95 * len(times))], 1)
    return {"clicks": dict(one.clicks), "edits": dict(one.edits), "refused": dict(one.refusals), "p95_ms": p95, "MB_more": more,
            "processors_of_others": round(others, 2)}
