"""Who wrote what, what was answered, and whether the drawings and the feed of changes at the end fit all of it.

Each operation adds one element with an id of its own. An operation ends `ok`, or as `fail` (the
answer says that nothing was done), or `unknown`. At the end every `ok` is there once, no `fail` is,
and of the unknown ones each may be: but none twice, and nothing else is there.
"""

import http.client
import itertools
import json
import random
import re
import threading
import time

from cluster import ask

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect id="base" width="1" height="1"/></svg>'
ELEMENTS = re.compile(rb'\bid="(n[0-9]+-[0-9]+)"')


class Writer(threading.Thread):
    """Writes into a session through any replica. With ids it sends again what it knows nothing of."""

    def __init__(self, number, session, ports, with_ids, halt):
        super().__init__(daemon=True)
        self.number, self.session, self.ports = number, session, ports
        self.with_ids, self.halt = with_ids, halt
        self.random = random.Random(number)
        self.outcomes = {}
        # The sequences of what was acknowledged.
        self.sequences = []
        self.sent_again = 0

    def run(self):
        made = 0
        while not self.halt.is_set():
            name = f"n{self.number}-{made}"
            made += 1
            outcome = self.write(name)
            while outcome == "unknown" and self.with_ids:
                self.sent_again += 1
                time.sleep(0.02)
                outcome = self.write(name)
            self.outcomes[name] = outcome
            if outcome != "ok":
                time.sleep(0.02)

    def write(self, name):
        body = {
            "session": self.session,
            "operation": "add",
            "markup": f'<rect id="{name}" width="1" height="1"/>',
        }
        if self.with_ids:
            body["operation_id"] = name
            body["participant"] = f"w{self.number}"
        try:
            status, _, answer = ask(self.random.choice(self.ports), "POST", "/interactive", body)
        except ConnectionRefusedError:
            # Nobody took it.
            return "unknown" if self.with_ids else "fail"
        except (OSError, http.client.HTTPException):
            return "unknown"
        if status == 200:
            self.sequences.append(json.loads(answer)["state"]["sequence"])
            return "ok"
        if status >= 500 or status == 429:
            return "unknown"
        raise SystemExit(f"{name}: {status} {answer[:500]!r}")


class Follower(threading.Thread):
    """Follows the changes of all sessions, each time by the next replica; what was answered is taken once."""

    def __init__(self, ports, after, halt):
        super().__init__(daemon=True)
        self.ports, self.after, self.halt = ports, after, halt
        self.taken, self.failed, self.problem = [], 0, None

    def run(self):
        for port in itertools.cycle(self.ports):
            # What was acknowledged before it was told to stop is there: one more look.
            last = self.halt.is_set()
            try:
                wait = 0 if last else 1
                status, _, answer = ask(port, "GET", f"/changes?most=50&wait={wait}&after={self.after}", timeout=8.0)
            except (OSError, http.client.HTTPException):
                status = None
            if status == 200:
                answer = json.loads(answer)
                self.taken += [(c["session"], c["sequence"], c["kind"]) for c in answer["changes"]]
                self.after = answer["next"]
                if last and not answer["more"]:
                    return
            elif status is None or status >= 500:
                self.failed += 1
                time.sleep(0.05)
            else:
                self.problem = (status, answer[:500])
                return


def told(follower, port, session, writers):
    """Holds what a follower took against a session: it has each of its changes once and in order; their count."""
    assert follower.problem is None, follower.problem
    of = [(sequence, kind) for name, sequence, kind in follower.taken if name == session]
    _, last = written(port, session)
    wanted = [(1, "begun")] + [(sequence, "edited") for sequence in range(2, last + 1)]
    assert of == wanted, (session, last, [pair for pair in zip(of, wanted) if pair[0] != pair[1]][:5], len(of))
    acknowledged = {sequence for writer in writers for sequence in writer.sequences}
    assert acknowledged <= {sequence for sequence, _ in of}, f"{session}: acknowledged and not told"
    return len(of)


def written(port, session):
    """The elements of a session, as often as they are there, and its sequence."""
    status, _, export = ask(port, "GET", f"/sessions/{session}/export")
    assert status == 200, (session, status, export[:500])
    status, _, state = ask(port, "GET", f"/sessions/{session}")
    assert status == 200, (session, status, state[:500])
    return [name.decode() for name in ELEMENTS.findall(export)], json.loads(state)["state"]["sequence"]


def check(port, session, writers):
    """Holds a session against what its writers were told; what was lost, doubled, and the count."""
    found, sequence = written(port, session)
    told = {}
    for writer in writers:
        told.update(writer.outcomes)
    there = set(found)
    lost = [name for name, outcome in told.items() if outcome == "ok" and name not in there]
    undone = [name for name, outcome in told.items() if outcome == "fail" and name in there]
    foreign = there - told.keys()
    # The load is the first operation, and each other one made one element.
    doubled = len(found) - len(there) + sequence - 1 - len(found)
    assert not lost, f"{session}: acknowledged and lost: {lost[:10]}"
    assert not undone, f"{session}: refused and there: {undone[:10]}"
    assert not foreign, f"{session}: nobody's: {list(foreign)[:10]}"
    assert doubled == 0, f"{session}: {doubled} operations too many of {sequence}"
    count = lambda wanted: sum(outcome == wanted for outcome in told.values())
    return count("ok"), count("fail"), count("unknown")
