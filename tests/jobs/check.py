"""Jobs on workers: see tests/jobs.sh."""

import json
import os
import random
import re
import signal
import sys
import threading
import time

from cluster import ask, wait
from service import CHECKPOINT, LEASE, Service

JOBS = int(os.environ.get("SVGX_TEST_JOBS", 60))
KILLS = int(os.environ.get("SVGX_TEST_JOBS_KILLS", 6))
RESTARTS = int(os.environ.get("SVGX_TEST_JOBS_RESTARTS", 1))
QUEUED = int(os.environ.get("SVGX_TEST_JOBS_QUEUED", 0))
ANA = {"Authorization": "Bearer one", "Content-Type": "application/json"}
BEN = {"Authorization": "Bearer two", "Content-Type": "application/json"}
# The budget of the class ui, in seconds.
BUDGET = 0.016


def pile(bodies):
    """Columns of boxes, each a little aside from the one below, so that they fall."""
    columns = max(80, -(-bodies // 4))
    boxes = "".join(
        f'<rect id="b{n}" x="{1200 + n // 4 * 1450 + n % 4 * 37}" y="{17900 - n % 4 * 1150}" '
        'width="1000" height="1000"><arx:physics><arx:mass value="80" unit="kg"/></arx:physics></rect>'
        for n in range(bodies)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" '
        f'viewBox="0 0 {columns * 1450 + 4000} 20000">'
        f'<rect id="floor" x="-2000" y="19000" width="{columns * 1450 + 8000}" height="1000">'
        f'<arx:physics motion="fixed" friction="0.6"/></rect>{boxes}</svg>'
    )


def town(taps):
    """A tank that taps draw on, more and less every minute."""
    of = lambda n: f"t{n}"
    components = "".join(
        f'<arx:component ref="{of(n)}" type="demand" flow="{0.02 + n % 7 / 100} L/s" '
        f'pattern="{n % 3} 1 {n % 5} 2" pattern-step="60 s"/>'
        for n in range(taps)
    )
    pipe = lambda name, one, other: (
        f'<arx:connection id="{name}" from="{one}" to="{other}" type="pipe" length="10 m" diameter="60 mm" '
        'roughness="0.1 mm"/>'
    )
    # Rings: a tap is joined to the one before and to one far before.
    pipes = "".join(pipe(f"p{n}", of(n - 1) if n else "tank", of(n)) for n in range(taps))
    pipes += "".join(pipe(f"q{n}", of(n // 2), of(n)) for n in range(3, taps, 3))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9 9">'
        '<arx:system id="water" type="plumbing" network="water"><arx:components>'
        f'<arx:component ref="tank" type="tank" head="500 m" area="900 m^2"/>{components}</arx:components>'
        f"<arx:connections>{pipes}</arx:connections></arx:system></svg>"
    )


def untimed(value):
    """An answer without the times that it tells of itself."""
    if isinstance(value, dict):
        # The size is that of a text with a time in it.
        own = ("duration_ms", "compiled_at", "output_size_bytes")
        timed = lambda name: name in own or name.endswith("_time_ms")
        return {name: untimed(each) for name, each in value.items() if not timed(name)}
    if isinstance(value, str) and value.startswith("{"):
        return untimed(json.loads(value))
    return [untimed(each) for each in value] if isinstance(value, list) else value


def difference(one, other, at=""):
    """Where two answers differ first, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        parts = [(one.get(name), other.get(name), f"{at}/{name}") for name in sorted({*one, *other})]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        parts = [(one[n], other[n], f"{at}/{n}") for n in range(len(one))]
    else:
        return "" if one == other else f"{at}: {str(one)[:200]} | {str(other)[:200]}"
    return next((found for part in parts if (found := difference(*part))), "")


def plain(headers, body):
    if "json" in headers["Content-Type"]:
        return untimed(json.loads(body))
    return body


def stage(port, job, headers=ANA):
    status, _, body = ask(port, "GET", f"/jobs/{job}", headers=headers)
    return json.loads(body)["stage"] if status == 200 else status


def until(port, job, wanted, headers=ANA, patience=60.0):
    wait(f"{job} {wanted}", lambda: stage(port, job, headers) == wanted, patience)


def put(port, operation, content, options, headers=ANA, key=None):
    """Asks for a job; its name."""
    if key:
        headers = {**headers, "Idempotency-Key": key}
    body = {"operation": operation, "content": content, "parameters": {"options": options}}
    status, answer, told = ask(port, "POST", "/jobs", body, headers)
    assert status == 202, (status, told[:500])
    job = json.loads(told)["id"]
    assert answer["Location"] == f"/jobs/{job}"
    return job


def directly(port, path, content, options):
    body = {"content": content, "options": options}
    status, headers, answer = ask(port, "POST", path, body, {**ANA, "Prefer": "wait=100"}, timeout=120)
    assert status == 200, (status, answer[:500])
    return plain(headers, answer)


def metrics(port):
    text = ask(port, "GET", "/metrics")[2].decode()
    return {name: float(value) for name, value in re.findall(r"^(svgx_jobs_\w+) ([0-9.eE+-]+)", text, re.M)}


def labelled(port, series):
    """The value of a series with its labels; 0 where there is none yet."""
    text = ask(port, "GET", "/metrics")[2].decode()
    found = re.search(rf"^{re.escape(series)} ([0-9.eE+-]+)", text, re.M)
    return float(found[1]) if found else 0.0


def without_workers(service):
    a, b = (engine.port for engine in service.engines)
    job = put(a, "render", pile(4), {"width": 60})
    until(b, job, "done")
    assert service.tell("list")[1]["queue"]["dedicated"] == 0
    print("without a worker an engine does it")


def on_a_worker(service):
    a, b = (engine.port for engine in service.engines)
    later = {**ANA, "Prefer": "respond-async"}
    body = {"content": pile(9), "options": {"width": 120}}
    status, headers, answer = ask(a, "POST", "/render", body, later)
    assert status == 202, (status, answer[:500])
    job = json.loads(answer)["id"]
    until(b, job, "done")
    pids = [worker.child.pid for worker in service.workers]
    assert int(service.tell("show", job)[1]["worker"].split("/")[1]) in pids
    answered = 'svgx_jobs_tries_total{svgx_try_end="answered"}'
    wait("the count", lambda: sum(labelled(worker.port, answered) for worker in service.workers) >= 1)
    took = 'svgx_operation_duration_seconds_count{svgx_budget_class="batch",svgx_operation_name="render"}'
    wait("how long", lambda: sum(labelled(worker.port, took) for worker in service.workers) >= 1)
    dedicated = 'svgx_jobs_workers{svgx_worker_kind="dedicated"}'
    wait("the workers", lambda: labelled(service.internal[0], dedicated) == len(pids))
    # The same bytes as the endpoint's, from either engine, and nobody else's business.
    expected = directly(a, "/render", pile(9), {"width": 120})
    for port in (a, b):
        status, headers, answer = ask(port, "GET", f"/jobs/{job}/result", headers=ANA)
        assert (status, headers["Content-Type"]) == (200, "image/png") and answer == expected
        assert headers["ETag"] and headers["X-SVGX-Painter"]
        assert ask(port, "GET", f"/jobs/{job}/result", headers=BEN)[0] == 404
        assert ask(port, "DELETE", f"/jobs/{job}", headers=BEN)[0] == 404
        assert job in ask(port, "GET", "/jobs", headers=ANA)[2].decode()
        assert job not in ask(port, "GET", "/jobs", headers=BEN)[2].decode()
    assert ask(b, "DELETE", f"/jobs/{job}", headers=ANA)[0] == 204
    assert ask(a, "GET", f"/jobs/{job}", headers=ANA)[0] == 404
    # A problem is an answer.
    job = put(a, "parse", "<svg", {})
    until(b, job, "failed")
    status, headers, answer = ask(b, "GET", f"/jobs/{job}/result", headers=ANA)
    assert 400 <= status < 500 and headers["Content-Type"] == "application/problem+json", status
    print("a job of one engine, done by a worker, is answered by the other")


def known_again(service):
    a, b = (engine.port for engine in service.engines)
    one = put(a, "render", pile(3), {"width": 50}, key="again")
    assert put(b, "render", pile(3), {"width": 50}, key="again") == one
    assert put(b, "render", pile(3), {"width": 50}, headers=BEN, key="again") != one
    body = {"operation": "render", "content": pile(3), "parameters": {"options": {"width": 51}}}
    status, _, answer = ask(b, "POST", "/jobs", body, {**ANA, "Idempotency-Key": "again"})
    assert status == 422 and b"Idempotency-Key" in answer, (status, answer)
    body = {
        "operation": "render",
        "documents": [pile(3), pile(5)],
        "parameters": [{"options": {"width": width}} for width in (40, 41, 42)],
    }
    told = []
    for port in (a, b):
        status, _, answer = ask(port, "POST", "/jobs/batch", body, {**ANA, "Idempotency-Key": "six"})
        assert status == 202, (status, answer[:500])
        told.append(json.loads(answer))
    assert told[0] == told[1] and len(told[0]["jobs"]) == 6, told
    for number, job in enumerate(told[0]["jobs"]):
        until(a, job, "done")
        options = {"width": 40 + number % 3}
        expected = directly(b, "/render", pile((3, 5)[number // 3]), options)
        assert ask(b, "GET", f"/jobs/{job}/result", headers=ANA)[2] == expected, job
    for wrong, at in [
        ({**body, "operation": "rendr"}, "/operation"),
        ({**body, "documents": []}, "/documents"),
        ({**body, "parameters": [{"session": "x"}]}, "/parameters/0/session"),
        ({**body, "documents": ["<svg/>"] * 101, "parameters": [{}] * 100}, "10000"),
    ]:
        status, _, answer = ask(a, "POST", "/jobs/batch", wrong, ANA)
        assert status == 422 and at in answer.decode(), (status, answer[:500])
    print("the same request again is the same job, and a batch is each document with each parameter")


def endless(port):
    return put(port, "simulate", pile(160), {"duration": 600, "fps": 1, "changes_only": True})


def busy(service):
    """The workers whose batch lane runs something."""
    found = []
    for worker in service.workers:
        lanes = json.loads(ask(worker.port, "GET", "/slo")[2])["lanes"]
        found += [worker for lane in lanes if lane["lane"] == "batch" and lane["running"]]
    return found


def cancelled(service):
    a, b = (engine.port for engine in service.engines)
    job = endless(a)
    until(b, job, "running")
    wait("a busy worker", lambda: busy(service))
    assert ask(b, "GET", f"/jobs/{job}/result", headers=ANA)[0] == 409
    began = time.monotonic()
    assert ask(b, "DELETE", f"/jobs/{job}", headers=ANA)[0] == 204
    assert stage(a, job) == "cancelled"
    wait("the end of the work", lambda: not busy(service))
    print(f"cancelled: the worker stopped after {(time.monotonic() - began) * 1e3:.0f} ms")


def stopped(service):
    a = service.engines[0].port
    job = endless(a)
    first = wait("a worker", lambda: service.worker_of(job))
    began = time.monotonic()
    assert first.stop() == 0
    took = time.monotonic() - began
    second = wait("another worker", lambda: service.worker_of(job))
    record = service.tell("show", job)[1]
    assert second is not first and record["deaths"] == 0, record
    assert ask(a, "DELETE", f"/jobs/{job}", headers=ANA)[0] == 204
    first.start()
    first.ready()
    print(f"a worker that is told to end gave its job back and ended after {took:.1f} s")


def held(service):
    """A worker that stands still loses its job, and its answer comes too late."""
    a, b = (engine.port for engine in service.engines)
    content, options, expected, _ = long(a, LEASE)
    job = put(a, "simulate", content, options)
    worker = wait("a worker", lambda: service.worker_of(job))
    worker.hold()
    until(b, job, "done")
    record = service.tell("show", job)[1]
    worker.go_on()
    wait("the end of the work", lambda: not busy(service))
    assert record["deaths"] == 1 and record["attempts"] == 2, record
    status, headers, answer = ask(b, "GET", f"/jobs/{job}/result", headers=ANA)
    differs = difference(expected, plain(headers, answer))
    assert status == 200 and not differs, (status, differs)
    assert divergent(service) == 0
    print("a worker that stood still: its job was done by another one, and its own answer did not count")


def resumed(service, what, drawing, options):
    """A worker is killed while it simulates: the next one goes on from what it has left, to the same answer."""
    a, b = (engine.port for engine in service.engines)
    # There are checkpoints in it, and much of it comes after the first.
    content, options, expected, alone = long(a, 8 * CHECKPOINT, drawing, options)
    job = put(a, "simulate", content, options)
    worker = wait("a worker", lambda: service.worker_of(job))
    wait("a checkpoint", lambda: service.tell("show", job)[1]["checkpoint_bytes"] > 0, 300)
    at = service.tell("show", job)[1]["progress"]
    worker.kill()
    worker.start()
    worker.ready()
    until(b, job, "done", patience=300)
    record = service.tell("show", job)[1]
    assert record["deaths"] == 1 and record["attempts"] == 2, record
    status, headers, answer = ask(b, "GET", f"/jobs/{job}/result", headers=ANA)
    differs = difference(expected, plain(headers, answer))
    assert status == 200 and not differs, (status, differs)
    # A log is written by a process that has begun another job since: it is waited for.
    told = wait("what it went on from", lambda: service.went_on(job))
    assert len(told) == 1 and told[0]["step"] > 0, told
    whole = options["duration"]
    assert 0 < told[0]["seconds"] < whole
    print(
        f"resumed, {what}: killed at {at * whole:.2f} of {whole:.0f} s, went on from {told[0]['seconds']:.2f} s (step "
        f"{told[0]['step']:.0f}) to the same answer; undisturbed it takes {alone:.1f} s, the second attempt {record['ran_s']:.1f} s"
    )


def divergent(service):
    ports = [*service.internal, *(worker.port for worker in service.workers)]
    return sum(metrics(port)["svgx_jobs_divergent_total"] for port in ports)


def poison(service):
    a = service.engines[0].port
    job = endless(a)
    neighbour = put(a, "render", pile(2), {"width": 30}, headers=BEN)
    for number in range(3):
        worker = wait("a worker", lambda: service.worker_of(job))
        worker.kill()
        worker.start()
        worker.ready()
    until(a, job, "dead")
    status, told = service.tell("dead")
    assert status == 0 and [each["id"] for each in told["jobs"]] == [job], told
    letter = told["jobs"][0]
    assert (letter["tenant"], letter["operation"], letter["deaths"]) == ("ana", "simulate", 3), letter
    assert letter["bytes"] > 1000 and letter["last"] and letter["version"] and letter["reason"], letter
    status, _, answer = ask(a, "GET", f"/jobs/{job}/result", headers=ANA)
    assert status == 409 and b"set aside" in answer, (status, answer)
    wait("the figure", lambda: metrics(service.internal[0]).get("svgx_jobs_dead") == 1)
    until(a, neighbour, "done", headers=BEN)
    assert service.tell("retry", job)[0] == 0
    wait("a worker again", lambda: service.worker_of(job))
    assert service.tell("drop", job)[0] == 0 and service.tell("drop", job)[0] == 1
    wait("the end of the work", lambda: not busy(service))
    print("set aside after three workers: " + json.dumps(letter))


class Ui(threading.Thread):
    """Somebody who edits meanwhile: how long each answer took, by seconds."""

    def __init__(self, port, every=0.05):
        super().__init__(daemon=True)
        self.port, self.every, self.halt, self.times, self.failed = port, every, threading.Event(), [], 0
        self.session = f"ui-{time.monotonic_ns()}"
        body = {"session": self.session, "content": pile(20)}
        assert ask(port, "POST", "/sessions", body, ANA)[0] == 200

    def run(self):
        began = time.monotonic()
        while not self.halt.wait(self.every):
            at = time.monotonic()
            try:
                status = ask(self.port, "GET", "/state", headers={**ANA, "X-SVGX-Session": self.session})[0]
            except OSError:
                status = 0
            self.times.append((int(at - began), time.monotonic() - at))
            self.failed += status != 200

    def figures(self):
        self.halt.set()
        self.join(30)
        seconds = {}
        for second, took in self.times:
            seconds.setdefault(second, []).append(took)
        p95 = lambda all: sorted(all)[int(len(all) * 0.95)] if all else 0.0
        bad = sum(p95(all) > BUDGET for all in seconds.values())
        whole = p95([took for _, took in self.times])
        return (
            f"ui: {len(self.times)} asked, {self.failed} refused, P95 {whole * 1e3:.1f} ms, "
            f"{bad} of {len(seconds)} seconds over {BUDGET * 1e3:.0f} ms (a connection each)"
        )


KINDS = [
    ("render", 12, {"width": 300}),
    ("simulate", 10, {"duration": 1.0, "fps": 10}),
    ("simulate", 24, {"duration": 2.0, "fps": 5}),
    ("evaluate", 30, {}),
    ("compile-json", 40, {}),
    ("export-dxf", 20, {}),
]


def undisturbed(port, operation, content, options, patience=60.0):
    """The answer of a job that nothing happens to. An endpoint would end a simulation by its budget."""
    job = put(port, operation, content, options)
    until(port, job, "done", patience=patience)
    status, headers, answer = ask(port, "GET", f"/jobs/{job}/result", headers=ANA)
    assert status == 200, (status, answer[:500])
    return plain(headers, answer)


FALL = {"duration": 4.0, "fps": 4}
DAY = {"networks": True, "duration": 86400, "fps": 1 / 1800}


def long(port, seconds, drawing=pile, options=FALL):
    """A simulation that takes so long at least, whatever the speed of the machine: the document, its options,
    the answer that nothing happened to, and how long it took."""
    size, took = 20, 0.0
    while took < seconds:
        size *= 2
        content = drawing(size)
        began = time.monotonic()
        answer = undisturbed(port, "simulate", content, options, 300)
        took = time.monotonic() - began
    return content, options, answer, took


def faults(service):
    a, b = (engine.port for engine in service.engines)
    expected = [undisturbed(a, operation, pile(n), options) for operation, n, options in KINDS]
    ui = Ui(b)
    ui.start()
    chance = random.Random(int(os.environ.get("SVGX_TEST_JOBS_SEED", 7)))
    before = service.tell("list", "--most", "1")[1]["queue"]
    assert before["waiting"] == 0 and before["running"] == 0, before
    halt, jobs, refused = threading.Event(), {}, [0]

    def send():
        for number in range(JOBS):
            operation, bodies, options = KINDS[number % len(KINDS)]
            headers = (ANA, BEN)[number % 2]
            body = {"operation": operation, "content": pile(bodies), "parameters": {"options": options}}
            # The same until it is taken: it is the same job.
            while not halt.is_set():
                try:
                    port = (a, b)[chance.randrange(2)]
                    key = {"Idempotency-Key": f"job-{number}"}
                    status, _, answer = ask(port, "POST", "/jobs", body, {**headers, **key})
                except OSError:
                    status = 0
                if status == 202:
                    jobs[number] = json.loads(answer)["id"]
                    break
                refused[0] += 1
                time.sleep(0.1)

    sender = threading.Thread(target=send, daemon=True)
    began = time.monotonic()
    sender.start()
    ended = lambda: service.tell("list", "--most", "1")[1]
    # The faults stand evenly among the jobs: each waits for its share of them.
    kinds = ["kill"] * KILLS + ["restart"] * RESTARTS
    chance.shuffle(kinds)
    made = {"kill": 0, "restart": 0, "while a job ran": 0}
    for number, kind in enumerate(kinds):
        share = JOBS * number // len(kinds)

        def reached():
            told = ended()
            if not isinstance(told, dict):
                return False
            queue = told["queue"]
            done = queue["jobs"] - before["jobs"] - queue["waiting"] - queue["running"]
            return len(jobs) >= share and done >= share * 2 // 3

        wait(f"fault {number}", reached, 600)
        made[kind] += 1
        if kind == "restart":
            service.redis.kill()
            service.redis.start()
            service.redis.ready()
            continue
        worker = (busy(service) or [chance.choice(service.workers)])[0]
        made["while a job ran"] += worker in busy(service)
        worker.kill()
        worker.start()
        worker.ready()
    sender.join(600)
    assert not sender.is_alive() and len(jobs) == JOBS, (len(jobs), JOBS)
    attempts = deaths = again = 0
    for number, job in jobs.items():
        headers = (ANA, BEN)[number % 2]
        port = (a, b)[number % 2]
        wait(f"the end of {job}", lambda: stage(port, job, headers) in ("done", "dead"), 600)
        if stage(port, job, headers) == "dead":
            # Three kills met it by chance: that is what a dead letter is, and it goes on when it is told to.
            assert service.tell("show", job)[1]["deaths"] == 3, job
            assert service.tell("retry", job)[0] == 0
            again += 1
            until(port, job, "done", headers, 600)
        status, given, answer = ask(b, "GET", f"/jobs/{job}/result", headers=headers)
        assert status == 200, (number, status, answer[:300])
        differs = difference(expected[number % len(KINDS)], plain(given, answer))
        assert not differs, (number, job, KINDS[number % len(KINDS)], differs)
    took = time.monotonic() - began
    listed = service.tell("list", "--most", "60000")[1]["jobs"]
    own = [job for job in listed if job["id"] in set(jobs.values())]
    assert len(own) == JOBS, (len(own), JOBS)
    attempts, deaths = sum(j["attempts"] for j in own), sum(j["deaths"] for j in own)
    assert divergent(service) == 0
    print(f"{JOBS} jobs in {took:.0f} s under {made}: each done once, 0 lost, 0 wrong, 0 divergent; "
          f"{attempts} attempts, {deaths} workers lost with a job, {refused[0]} times sent again, "
          f"{again} dead letters retried")
    print(ui.figures())


def overhead(service):
    """From asking for a small job to its answer, one after the other."""
    a = service.engines[0].port
    times = []
    for number in range(20):
        began = time.monotonic()
        job = put(a, "parse", pile(1), {})
        while stage(a, job) != "done":
            pass
        times.append(time.monotonic() - began)
    times.sort()
    print(f"a small job, from asking to its answer: P50 {times[10] * 1e3:.0f} ms, P95 {times[18] * 1e3:.0f} ms")


def queued(service):
    if not QUEUED:
        return
    a, b = (engine.port for engine in service.engines)
    body = {
        "operation": "parse",
        "documents": [pile(n % 20 + 1) for n in range(QUEUED // 10)],
        "parameters": [{"options": {}}] * 10,
    }
    ui = Ui(b)
    ui.start()
    began = time.monotonic()
    status, _, answer = ask(a, "POST", "/jobs/batch", body, ANA, timeout=300)
    assert status == 202, (status, answer[:500])
    taken = time.monotonic() - began

    def is_empty():
        status, said = service.tell("list", "--most", "1")
        return status == 0 and said["queue"]["waiting"] + said["queue"]["running"] == 0

    wait("the end of the queue", is_empty, 3600)
    print(f"{QUEUED} queued in {taken:.1f} s, done after {time.monotonic() - began:.0f} s")
    print(ui.figures())


def main():
    program, redis = sys.argv[1:3]
    with Service(program, redis) as service:
        without_workers(service)
        service.start_workers()
        on_a_worker(service)
        known_again(service)
        overhead(service)
        cancelled(service)
        stopped(service)
        held(service)
        resumed(service, "bodies", pile, FALL)
        resumed(service, "networks", town, DAY)
        poison(service)
        faults(service)
        queued(service)
        names = ["backlog_seconds", "oldest_seconds", "dead", "divergent_total", "attempts_total", "taken_over_total"]
        for port in [service.internal[0], service.workers[0].port]:
            told = metrics(port)
            assert all(f"svgx_jobs_{name}" in told for name in names), told
        for worker in service.workers:
            for path in ("/livez", "/readyz"):
                assert ask(worker.port, "GET", path)[0] == 200
        print("metrics of all workers: " + json.dumps([metrics(w.port) for w in service.workers]))


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
