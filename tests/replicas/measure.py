"""What an edit costs with one engine and with two, three ways: see tests/replicas.sh.

Editors of 32 sessions of 1 000 elements make as many edits a second together as LOADS says: of two engines each has as many
as the one of the first load, and the second load is the harder one for one engine. Each engine runs on a processor of its
own, where there are two; only the processor time of the engines counts, by what the system says of them. One and two are
measured in turn, so that a machine that gets slower slows both.

Further arguments say which ways are measured (1 to 3), for a machine that is had for a short time only;
SVGX_REPLICAS_ROUNDS how often."""

import http.client
import itertools
import json
import os
import statistics
import sys
import threading
import time

from cluster import Cluster, ask, metric
from websocket import WebSocket

HANDED_OVER = "svgx_session_handed_over_total"
SESSIONS = 32
ELEMENTS = 1000
# Engines, and edits a second of all editors together; those of docs/replicas.md.
LOADS = [(1, 300.0), (1, 450.0), (2, 600.0)]
SECONDS = 8.0
ROUNDS = int(os.environ.get("SVGX_REPLICAS_ROUNDS", 2))
# For how long nothing may be handed over before sessions count as settled, and how long that may take: an editor
# makes enough edits for its session to follow in seven seconds.
SETTLED, UNTIL = 12.0, 90.0


def drawing():
    shapes = "".join(
        f'<rect id="e{n}" x="{n % 32 * 100}" y="{n // 32 * 100}" width="50" height="50"/>' for n in range(ELEMENTS)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4000 4000">{shapes}</svg>'


def spent(engine):
    """Seconds of processor that an engine has used: of this, hundredths are counted."""
    fields = open(f"/proc/{engine.child.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def handed_over(cluster):
    """How many sessions followed their editors, on all engines."""
    return sum(metric(port, cluster.operator, HANDED_OVER, 'reason="editors"') for port in cluster.internal)


class Editor(threading.Thread):
    """Edits one session at a steady rate. What it asks is decided by its kind."""

    def __init__(self, number, ports, halt, rate):
        super().__init__(daemon=True)
        self.number, self.ports, self.halt, self.rate = number, ports, halt, rate
        self.session = f"s{number}"
        # When each edit was to begin, and how long it took from then.
        self.took = []
        self.failed = 0

    def edit(self, made):
        return {"operation": "move", "element_ids": [f"e{made % ELEMENTS}"], "dx": 1, "dy": 0}

    def run(self):
        every = SESSIONS / self.rate
        due = time.monotonic() + every * self.number / SESSIONS
        for made in itertools.count():
            pause = due - time.monotonic()
            if self.halt.wait(max(pause, 0)):
                return
            if self.ask(made):
                self.took.append((due, time.monotonic() - due))
            else:
                self.failed += 1
            due += every


class OverHttp(Editor):
    """`choose` says which engine gets an edit."""

    def __init__(self, number, ports, halt, rate, choose):
        super().__init__(number, ports, halt, rate)
        self.choose, self.open = choose, {}

    def ask(self, made):
        port = self.ports[self.choose(self.number) % len(self.ports)]
        connection = self.open.get(port)
        if connection is None:
            connection = self.open[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        body = json.dumps({"session": self.session, **self.edit(made)})
        try:
            connection.request("POST", "/interactive", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            return response.status == 200
        except (OSError, http.client.HTTPException):
            connection.close()
            return False


class OverWebSocket(Editor):
    """A stream to the next engine; where it ends, to the one after that."""

    def __init__(self, number, ports, halt, rate, choose):
        super().__init__(number, ports, halt, rate)
        self.choose, self.stream = choose, None

    def begin(self):
        port = self.ports[self.choose(self.number) % len(self.ports)]
        self.stream = WebSocket(port, f"/sessions/{self.session}/live")
        self.stream.send({"frame": "hello", "participant": f"w{self.number}"})
        self.stream.until(lambda frame: frame["frame"] == "hello")

    def ask(self, made):
        name = f"o{made}"
        for _ in range(3):
            try:
                if self.stream is None:
                    self.begin()
                self.stream.send({"frame": "operation", "id": name, "operation": self.edit(made)})
                wanted = lambda frame: frame["frame"] in ("answer", "problem") and frame.get("id") == name
                return self.stream.until(wanted)["frame"] == "answer"
            except (OSError, AssertionError):
                # Sent again with its id, it is done once.
                if self.stream is not None:
                    self.stream.close()
                    self.stream = None
        return False


def measure(cluster, kind, choose, count, rate):
    """Milliseconds of processor for an edit, the 95th percentile of the time to its answer, and a few counts."""
    engines, halt = cluster.engines[:count], threading.Event()
    ports = [engine.port for engine in engines]
    editors = [kind(number, ports, halt, rate, choose) for number in range(SESSIONS)]
    for editor in editors:
        editor.start()
    # Sessions may follow their editors first: what is measured is what stays.
    seen, since, began = handed_over(cluster), time.monotonic(), time.monotonic()
    while time.monotonic() - since < SETTLED and time.monotonic() - began < UNTIL:
        time.sleep(0.5)
        now = handed_over(cluster)
        if now != seen:
            seen, since = now, time.monotonic()
    before, start = [spent(engine) for engine in engines], time.monotonic()
    time.sleep(SECONDS)
    after, end = [spent(engine) for engine in engines], time.monotonic()
    halt.set()
    for editor in editors:
        editor.join(30)
    took = [took for editor in editors for due, took in editor.took if start <= due < end]
    failed = sum(editor.failed for editor in editors)
    cost = sum(b - a for a, b in zip(before, after)) / len(took) * 1e3
    return cost, statistics.quantiles(took, n=20)[18] * 1e3, failed, seen


def load(count, rate):
    """A load in words."""
    return f"{'one engine' if count == 1 else f'{count} engines'} and {rate:.0f} a second"


def settle(cluster, owners):
    """Begins all sessions anew, each at the engine that `owners` says."""
    for number in range(SESSIONS):
        ask(cluster.engines[0].port, "DELETE", f"/sessions/s{number}")
    for number in range(SESSIONS):
        port = cluster.engines[owners(number)].port
        status, _, answer = ask(port, "POST", "/sessions", {"session": f"s{number}", "content": drawing()})
        assert status == 200, (status, answer[:500])


def main():
    program, redis, *asked = sys.argv[1:]
    # `choose` is asked for each request over HTTP, and for each WebSocket when it begins. Requests take turns within their
    # session: where all sessions took turns together, in one order, each would always meet the same engine.
    turn, turns = itertools.count(), [itertools.count() for _ in range(SESSIONS)]
    next_one, by_session = (lambda number: next(turn)), (lambda number: number)
    ways = [
        ("requests, round robin", OverHttp, lambda number: next(turns[number]), by_session),
        ("requests, by session", OverHttp, by_session, by_session),
        # Half of the sessions begin where their editor is not.
        ("WebSockets, round robin", OverWebSocket, next_one, lambda number: number // 2 % 2),
    ]
    ways = [ways[int(number) - 1] for number in asked] or ways
    pinned = os.cpu_count() > 1
    with Cluster(program, redis) as cluster:
        for number, engine in enumerate(cluster.engines):
            for task in os.listdir(f"/proc/{engine.child.pid}/task") if pinned else []:
                os.sched_setaffinity(int(task), {number})
        print("one processor for each engine" if pinned else "one processor for all")
        for name, kind, choose, owners in ways:
            runs = {load: [] for load in LOADS}
            for _ in range(ROUNDS):
                for count, rate in LOADS:
                    settle(cluster, (lambda number: 0) if count == 1 else (lambda number: owners(number) % 2))
                    runs[count, rate].append(measure(cluster, kind, choose, count, rate))
            costs = [min(cost for cost, *_ in runs[each]) for each in LOADS]
            late = [min(p95 for _, p95, *_ in runs[each]) for each in LOADS]
            said = [
                f"{load(*each)}: {cost:.3f} ms of processor for an edit, answered within {p95:.1f} ms (P95)"
                for each, cost, p95 in zip(LOADS, costs, late)
            ]
            failed = sum(failed for all in runs.values() for _, _, failed, _ in all)
            count, two = LOADS[-1][0], costs[-1]
            beside = [
                f"{count * cost / two:.2f} times as much as one with {rate:.0f} a second"
                for (_, rate), cost in zip(LOADS[:-1], costs)
            ]
            print(
                f"{name}: {'; '.join(said)}; {count} serve {', '.join(beside)}; {failed} failed; "
                f"{runs[LOADS[-1]][-1][3]:.0f} sessions had followed their editors"
            )


if __name__ == "__main__":
    main()
