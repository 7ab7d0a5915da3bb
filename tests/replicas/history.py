"""Who wrote what, what was answered, and whether the drawings at the end fit all of it.

Each operation adds one element with an id of its own. An operation ends `ok`, or as `fail` (the
answer says that nothing was done), or `unknown`. At the end every `ok` is there once, no `fail` is,
and of the unknown ones each may be: but none twice, and nothing else is there.
"""

import http.client
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
            return "ok"
        if status >= 500 or status == 429:
            return "unknown"
        raise SystemExit(f"{name}: {status} {answer[:500]!r}")


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
