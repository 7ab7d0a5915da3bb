"""Sessions that two replicas share: see tests/replicas.sh."""

import concurrent.futures
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from cluster import Cluster, Process, answers, ask, free_ports, metric, wait
from history import DRAWING, Follower, Writer, check, told, written
from websocket import WebSocket

# Faults, unless SVGX_TEST_REPLICAS says another number.
FAULTS = 12
# How long an owner is held: longer than its lease.
HELD = 6.5


def begin(port, session):
    body = {"session": session, "content": DRAWING}
    status, _, answer = ask(port, "POST", "/sessions", body)
    assert status == 200, (status, answer[:500])


def add(port, session, name, timeout=20.0, **more):
    body = {"session": session, "operation": "add", "markup": f'<rect id="{name}" width="1" height="1"/>', **more}
    return ask(port, "POST", "/interactive", body, timeout=timeout)


def until_added(port, session, name):
    """Adds an element as soon as it is taken: seconds. A try whose outcome is not known may have done it."""
    began = time.monotonic()
    wait(f"{name} at {port}", lambda: add(port, session, name, operation_id=name)[0] == 200)
    return time.monotonic() - began


def either_replica_serves(cluster):
    a, b = (engine.port for engine in cluster.engines)
    begin(a, "either")
    for number in range(10):
        status, _, answer = add((a, b)[number % 2], "either", f"n0-{number}")
        assert status == 200, (number, status, answer[:500])
    assert written(a, "either") == written(b, "either")
    # A drawing that a request leaves to its session, a list, a copy and an end.
    status, headers, _ = ask(b, "GET", "/sessions/either/drawing.svg")
    assert status == 200 and headers["Content-Type"].startswith("image/svg+xml"), status
    assert ask(b, "POST", "/sessions/either/fork", {"session": "copy"})[0] == 200
    for port in (a, b):
        assert b'"copy"' in ask(port, "GET", "/sessions")[2]
    assert ask(a, "DELETE", "/sessions/copy")[0] == 200
    assert ask(b, "GET", "/sessions/copy")[0] == 404
    # Whoever does not know the secret is not heard where replicas ask.
    for engine in cluster.engines:
        between = int(engine.command[engine.command.index("--replica-listen") + 1].split(":")[1])
        assert ask(between, "GET", "/sessions")[0] == 401
        forged = {"X-SVGX-Replica": "a b 1 2 YW5vbnltb3Vz 3"}
        assert ask(between, "GET", "/sessions", headers=forged)[0] == 401
    print("either replica serves a session, and only replicas reach the address between them")


def jobs_are_found_from_either(cluster):
    a, b = (engine.port for engine in cluster.engines)
    begin(a, "job")
    # About a session that the other one has: taken on there.
    later = {"Prefer": "respond-async", "Content-Type": "application/json"}
    status, headers, answer = ask(b, "POST", "/parse", '{"session": "job"}', later)
    assert status == 202, (status, answer[:500])
    for port in (a, b):
        place = headers["Location"]
        wait("the job", lambda: b'"done"' in ask(port, "GET", place)[2])
        status, _, answer = ask(port, "GET", f"{place}/result")
        assert status == 200 and b'"base"' in answer, (status, answer[:500])
    assert ask(b, "DELETE", headers["Location"])[0] == 204
    assert ask(a, "GET", headers["Location"])[0] == 404
    assert ask(a, "GET", "/jobs/j1.gone")[0] == 404
    print("a job is found from either replica")


def streams_reach_the_owner(cluster):
    a, b = (engine.port for engine in cluster.engines)
    begin(a, "live")
    at_a, at_b = WebSocket(a, "/sessions/live/live"), WebSocket(b, "/sessions/live/live")
    for socket, name in [(at_a, "ana"), (at_b, "ben")]:
        socket.send({"frame": "hello", "participant": name})
        socket.until(lambda frame: frame["frame"] == "hello")
    markup = '<rect id="n1-1" width="1" height="1"/>'
    operation = {"operation": "add", "markup": markup}
    at_b.send({"frame": "operation", "id": "o1", "operation": operation})
    answer = at_b.until(lambda frame: frame["frame"] in ("answer", "problem"))
    assert answer["frame"] == "answer" and answer["durable"], answer
    patch = at_a.until(lambda frame: frame["frame"] == "patch")
    assert patch["by"] == "ben", patch
    at_a.close()
    # The owner ends: the other one's client is told, comes again, and goes on.
    cluster.engines[0].kill()
    began = time.monotonic()
    try:
        while at_b.frame() is not None:
            pass
    except (ConnectionError, OSError):
        pass
    at_b.close()
    again = WebSocket(b, "/sessions/live/live")
    again.send({"frame": "hello", "participant": "ben"})
    again.until(lambda frame: frame["frame"] == "hello")
    again.send({"frame": "operation", "id": "o1", "operation": operation})
    answer = again.until(lambda frame: frame["frame"] in ("answer", "problem"))
    assert answer["frame"] == "answer" and answer["repeated"], answer
    took = time.monotonic() - began
    again.close()
    cluster.engines[0].start()
    cluster.engines[0].ready()
    print(f"a stream through the other replica: resumed {took * 1e3:.0f} ms after its owner was killed")


PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">
<defs><linearGradient id="g"><stop stop-color="#148"/><stop offset="1" stop-color="#fa4"/></linearGradient></defs>
<path id="e0" d="M20 20C80 0 120 90 60 120Z" fill="#7ac" stroke="#124" stroke-width="3" stroke-dasharray="7 3"/>
<circle id="e1" cx="200" cy="80" r="40" fill="url(#g)"/><rect id="e2" x="260" y="30" width="90" height="60" rx="9"/>
<text id="e3" x="40" y="200" font-size="24">Plan A</text><g id="e4" opacity="0.6"><rect x="150" y="150" width="80" height="70"
fill="#c33"/><line x1="150" y1="150" x2="330" y2="260" stroke="#000" stroke-width="5"/></g></svg>"""
AREA = "zoom=0&rect=-100,-100,700,600"


def tiles(port, kept=None, since=None):
    """The tiles of the picture by their place; those that changed since a version are put into what was kept."""
    path = f"/sessions/picture/tiles?{AREA}" + (f"&since={since}" if since else "")
    status, _, answer = ask(port, "GET", path, headers={"Accept": "application/json"})
    assert status == 200, (status, answer[:500])
    answer = json.loads(answer)
    kept = {} if kept is None or answer["complete"] else kept
    for tile in answer["tiles"]:
        kept[tile["x"], tile["y"]] = tile.get("colour") or tile["png"]
    return kept, answer["token"]


def picture_is_the_same_on_both(cluster):
    """What one brought up to date edit by edit, the other draws anew from the store: the same bytes."""
    a, b = cluster.engines
    status, _, answer = ask(a.port, "POST", "/sessions", {"session": "picture", "content": PICTURE})
    assert status == 200, (status, answer[:500])
    chance, told = random.Random(7), 0
    for engine, other in ((a, b), (b, a)):
        kept, token = tiles(engine.port)
        for _ in range(40):
            element = f"e{chance.randrange(5)}"
            edit = chance.choice([
                {"operation": "move", "element_ids": [element], "dx": chance.uniform(-30, 30), "dy": chance.uniform(-30, 30)},
                {"operation": "rotate", "element_ids": [element], "angle": chance.uniform(-40, 40)},
                {"operation": "set_style", "element_ids": [element], "name": "opacity", "value": str(round(chance.random(), 2))},
                {"operation": "undo"},
            ])
            status, _, answer = ask(engine.port, "POST", "/interactive", {"session": "picture", **edit})
            assert status in (200, 409), (edit, status, answer[:500])
            before = token
            kept, token = tiles(engine.port, kept, token)
            told += token != before
        assert kept == tiles(engine.port)[0], "brought up to date and drawn anew differ"
        engine.stop()
        wait("the other one has it", lambda: ask(other.port, "GET", "/sessions/picture")[0] == 200)
        assert kept == tiles(other.port)[0], "the two replicas differ"
        engine.start()
        engine.ready()
    print(f"a picture of {len(kept)} tiles, {told} times brought up to date: the same bytes on both replicas")


def taken_over(cluster):
    a, b = cluster.engines
    begin(a.port, "killed")
    a.kill()
    killed = until_added(b.port, "killed", "n2-1")
    a.start()
    a.ready()
    begin(a.port, "held")
    assert add(b.port, "held", "n2-1")[0] == 200
    a.hold()
    held = until_added(b.port, "held", "n2-2")
    a.go_on()
    # It wakes with a drawing of before, and must not show it, nor write on from it.
    assert written(a.port, "held") == written(b.port, "held")
    assert add(a.port, "held", "n2-3")[0] == 200
    found, sequence = written(b.port, "held")
    assert found == ["n2-1", "n2-2", "n2-3"] and sequence == 4, (found, sequence)
    begin(a.port, "stopped")
    status = a.stop()
    assert status == 0, status
    stopped = until_added(b.port, "stopped", "n2-1")
    a.start()
    a.ready()
    print(
        f"next operation after the owner was killed: {killed * 1e3:.0f} ms, "
        f"held: {held * 1e3:.0f} ms, stopped: {stopped * 1e3:.0f} ms"
    )


# What each fault of the network does to which ways, and for how long. Nothing comes through a `timeout` of 0, and
# nobody is told.
NETWORK = {
    "cut an engine off the store": (["store-{}"], "timeout", {"timeout": 0}, HELD),
    "cut the engines off each other": (["engine-0", "engine-1"], "timeout", {"timeout": 0}, 3.0),
    "slow network": (["store-0", "store-1", "engine-0", "engine-1"], "latency", {"latency": 40, "jitter": 20}, 3.0),
    "reset connections": (["store-{}", "engine-{}"], "reset_peer", {"timeout": 0}, 1.0),
}


def counted(cluster, number, name, *labels):
    return metric(cluster.internal[number], cluster.operator, name, *labels)


def answered(cluster):
    """How many edits each of the engines answered, what was passed on to it included."""
    return [counted(cluster, n, "http_server_request_duration_seconds_count", '"/interactive"') for n in (0, 1)]


def a_session_follows_its_editors(cluster):
    a, b = (engine.port for engine in cluster.engines)
    begin(a, "follows")
    moved = lambda n: counted(cluster, n, "svgx_session_handed_over_total", 'reason="editors"')
    before = [moved(n) for n in (0, 1)]
    made, repeated = itertools.count(), []

    def surely_added(port):
        """With its id it is done once, however often a slow machine has it sent."""
        name = f"n5-{next(made)}"
        body = {"session": "follows", "participant": "eva", "operation_id": name, "operation": "add"}
        body["markup"] = f'<rect id="{name}" width="1" height="1"/>'
        answers = []
        wait(name, lambda: answers.append(ask(port, "POST", "/interactive", body)[0]) or answers[-1] == 200)
        repeated.extend(answers[1:])

    # In turn by either: it stays.
    for number in range(100):
        surely_added((a, b)[number % 2])
    # All by the other one, until it is there.
    began = next(made)

    def has_moved():
        list(pool.map(lambda _: surely_added(b), range(24)))
        return moved(0) == before[0] + 1

    # Eight at once: so many edits within ten seconds, on a slow machine too.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        wait("it follows", has_moved)
    followed = next(made) - began
    # It may still remember who had it.
    surely_added(b)
    seen = answered(cluster)
    forwarded = lambda: counted(cluster, 0, "svgx_forward_requests_total", 'outcome="answered"')
    first = forwarded()
    repeated.clear()
    # And all by the first one again: not so soon after it has moved.
    for _ in range(80):
        surely_added(a)
    surely_added(b)
    passed_on = [now - then for now, then in zip(answered(cluster), seen)]
    # What had to be sent again was answered more than once.
    assert repeated or passed_on == [80, 81], passed_on
    assert repeated or forwarded() == first + 80, forwarded() - first
    assert [moved(0), moved(1)] == [before[0] + 1, before[1]], "it flaps"
    found, sequence = written(a, "follows")
    assert len(found) == len(set(found)) == sequence - 1, (len(found), sequence)
    assert (found, sequence) == written(b, "follows")
    print(f"a session was at its editors after {followed} edits, {len(found)} there once, and stayed")


def a_balancer_may_know_sessions(cluster):
    """Hashed by session, nothing is passed on once each session is where it belongs."""
    if not cluster.hashed:
        return
    names = [f"hashed-{n}" for n in range(12)]
    for name in names:
        status, _, answer = ask(
            cluster.hashed, "POST", "/sessions", {"session": name, "content": DRAWING}, {"X-SVGX-Session": name}
        )
        assert status == 200, (status, answer[:500])
    before = answered(cluster)
    for number in range(60):
        name = names[number % len(names)]
        body = {"session": name, "operation": "add", "markup": f'<rect id="n6-{number}" width="1" height="1"/>'}
        assert ask(cluster.hashed, "POST", "/interactive", body, {"X-SVGX-Session": name})[0] == 200
        # By its path it is the same.
        assert ask(cluster.hashed, "GET", f"/sessions/{name}/drawing.svg")[0] == 200
    each = [now - then for now, then in zip(answered(cluster), before)]
    assert sum(each) == 60, f"{each}: some were passed on"
    print(f"behind a balancer that hashes sessions, {each[0]:.0f} and {each[1]:.0f} of 60 edits, none passed on")


def what_fails_at_the_owner_failed_here(cluster):
    a, b = (engine.port for engine in cluster.engines)
    begin(a, "fails")
    # From here on it is known where it is.
    assert add(b, "fails", "n7-0")[0] == 200
    failed = lambda n: counted(cluster, n, "svgx_operation_outcomes_total", 'outcome="failed"')
    before = [failed(n) for n in (0, 1)]
    cluster.redis.kill()
    # Once the owner has found out, it says so at once.
    status, _, answer = add(b, "fails", "n7-1")
    cluster.redis.start()
    cluster.redis.ready()
    assert status == 503 and json.loads(answer)["code"] in ("store-failed", "outcome-unknown"), (status, answer[:500])
    assert [failed(n) for n in (0, 1)] == [n + 1 for n in before], "it did not fail for who asked"
    wait("the store", lambda: add(b, "fails", "n7-2")[0] == 200)
    # The other one writes again as well; its connection was made before the server ended.
    wait("the store of the other one", lambda: ask(b, "POST", "/sessions", {"content": DRAWING})[0] == 200)
    print("what fails at the owner is counted as failed by the replica that was asked")


def store_over_tls(program, redis):
    """`rediss://`: a server that is not trusted is refused, and one that is keeps what it acknowledged."""
    if not shutil.which("openssl"):
        print("openssl is not here: the store over TLS is not tested")
        return
    with tempfile.TemporaryDirectory(prefix="svgx-tls-") as scratch:
        place = lambda name: os.path.join(scratch, name)
        openssl = lambda *words: subprocess.run(["openssl", *words], cwd=scratch, check=True, capture_output=True)
        fresh = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl(*fresh, "-x509", "-subj", "/CN=test", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem")
        openssl(*fresh, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
        with open(place("names"), "w") as file:
            file.write("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
        openssl("x509", "-req", "-in", "request.pem", "-days", "2", *signed, "-out", "cert.pem")
        os.mkdir(place("data"))
        secure, plain, public = free_ports(3)
        command = [redis, "--bind", "127.0.0.1", "--port", str(plain), "--tls-port", str(secure), "--save", ""]
        command += ["--tls-cert-file", place("cert.pem"), "--tls-key-file", place("key.pem")]
        command += ["--tls-ca-cert-file", place("ca.pem"), "--tls-auth-clients", "no", "--dir", place("data")]
        command += ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        server = Process(command, place("redis.log"), plain, answers)
        serve = [program, "serve", "--listen", f"127.0.0.1:{public}", "--internal-listen", "off"]
        serve += ["--controller", "shadow", "--store", f"rediss://localhost:{secure}/"]
        # Without what this test itself is told.
        plain_environment = {"PATH": os.environ["PATH"]}
        stranger = subprocess.Popen(
            serve, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=plain_environment
        )
        engine = Process(["env", f"SSL_CERT_FILE={place('ca.pem')}", *serve], place("engine.log"), public)
        try:
            server.start()
            if not wait("a server", lambda: server.child.poll() is not None or answers(plain)) or server.child.poll():
                print("this server knows no TLS: the store over it is not tested")
                return
            said = stranger.communicate(timeout=60)[0]
            assert stranger.returncode != 0 and "certificate" in said, said[-500:]
            sequences = []
            for number in range(2):
                engine.start()
                engine.ready()
                if number == 0:
                    begin(public, "secure")
                # The lease of the one that was killed has to end first.
                until_added(public, "secure", f"n8-{number}")
                sequences.append(written(public, "secure"))
                engine.kill()
            assert sequences == [(["n8-0"], 2), (["n8-0", "n8-1"], 3)], sequences
        finally:
            for process in (engine, server):
                process.end()
            if stranger.poll() is None:
                stranger.kill()
            stranger.communicate()
    print("over TLS: refused without the authority, and kept with it")


def faults(cluster, count):
    ports = [cluster.front] if cluster.front else [engine.port for engine in cluster.engines]
    sessions = ["mine", "ours"]
    halt, read = threading.Event(), threading.Event()
    follower = Follower(ports, json.loads(ask(cluster.engines[0].port, "GET", "/changes?after=now")[2])["next"], read)
    follower.start()
    for session in sessions:
        begin(cluster.engines[0].port, session)
    writers = {
        "mine": [Writer(10, "mine", ports, True, halt)],
        "ours": [Writer(11 + n, "ours", ports, n % 2 == 0, halt) for n in range(4)],
    }
    for writer in writers["mine"] + writers["ours"]:
        writer.start()

    def moved(minimum=20):
        """Waits until there was some progress, so that each fault meets work."""
        done = lambda: sum(len(w.outcomes) for all in writers.values() for w in all)
        target = done() + minimum
        wait("progress", lambda: done() >= target)

    kinds = ["kill an engine", "kill the store", "kill an engine", "hold an engine", "kill the store", "kill both"]
    if cluster.network:
        kinds[2:2] = ["cut an engine off the store"]
        kinds[5:5] = ["cut the engines off each other", "slow network", "reset connections"]
    made = dict.fromkeys(kinds, 0)
    for fault in range(count):
        moved()
        number = fault % 2
        engine = cluster.engines[number]
        kind = kinds[fault % len(kinds)]
        made[kind] += 1
        if kind in NETWORK:
            ways, toxic, attributes, seconds = NETWORK[kind]
            cluster.network.poison([way.format(number) for way in ways], toxic, attributes)
            time.sleep(seconds)
            cluster.network.heal()
            continue
        if kind == "hold an engine":
            engine.hold()
            time.sleep(HELD)
            engine.go_on()
            continue
        if kind != "kill the store":
            engine.kill()
        if kind != "kill an engine":
            cluster.redis.kill()
            cluster.redis.start()
            cluster.redis.ready()
        if kind != "kill the store":
            engine.start()
            engine.ready()
    moved()
    halt.set()
    for writer in writers["mine"] + writers["ours"]:
        writer.join(60)
        assert not writer.is_alive(), "a writer hangs"
    for session in sessions:
        # Both replicas agree, whoever has it now, once each has heard that the store is back.
        for engine in cluster.engines:
            wait("the store", lambda: ask(engine.port, "GET", f"/sessions/{session}")[0] == 200)
        counts = [check(engine.port, session, writers[session]) for engine in cluster.engines]
        assert counts[0] == counts[1], counts
        ok, fail, unknown = counts[0]
        again = sum(writer.sent_again for writer in writers[session])
        print(f"{session}: {ok} ok, {fail} failed, {unknown} unknown, {again} sent again; 0 lost, 0 twice")
    read.set()
    follower.join(60)
    assert not follower.is_alive(), "the follower hangs"
    changes = [told(follower, cluster.engines[0].port, session, writers[session]) for session in sessions]
    print(f"{sum(changes)} changes followed, each once and in order; {follower.failed} questions were not answered")
    print(f"{count} faults: " + ", ".join(f"{kind} {n}" for kind, n in made.items()))


def comes_back_from_a_backup(cluster):
    a, b = (engine.port for engine in cluster.engines)
    headers = {"Authorization": f"Bearer {cluster.operator}"}
    listed = lambda port: json.loads(ask(port, "GET", "/sessions")[2])["sessions"]
    before = [(each["session"], each["sequence"]) for each in listed(a)]
    status, _, backup = ask(cluster.internal[0], "GET", "/backup", headers=headers)
    assert status == 200 and before, (status, before)
    for name, _ in before:
        assert ask(a, "DELETE", f"/sessions/{name}")[0] == 200
    # Both are given it; they have one store.
    for internal in cluster.internal:
        status, _, answer = ask(internal, "POST", "/restore", backup, headers)
        assert status == 200, (status, answer)
    for port in (a, b):
        assert [(each["session"], each["sequence"]) for each in listed(port)] == before
    # What was edited since is not thrown away.
    assert add(b, "either", "n4-1")[0] == 200
    assert ask(cluster.internal[0], "POST", "/restore", backup, headers)[0] == 409
    print(f"{len(before)} sessions restored from a backup, given to both")


def flushes(cluster):
    """Each acknowledged operation is flushed to the disk of the store before."""
    if not shutil.which("strace"):
        print("strace is not here: flushes are not counted")
        return
    trace = os.path.join(cluster.scratch, "strace")
    command = ["strace", "-f", "-e", "trace=fdatasync,fsync", "-o", trace, "-p", str(cluster.redis.child.pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    line = tracer.stderr.readline()
    if "attached" not in line:
        tracer.wait()
        print(f"strace may not attach here: flushes are not counted ({line.strip()})")
        return
    port = cluster.engines[0].port
    begin(port, "flushed")
    for number in range(50):
        assert add(port, "flushed", f"n3-{number}")[0] == 200
    tracer.terminate()
    tracer.wait()
    count = len(re.findall(r"f(?:data)?sync\(", open(trace).read()))
    assert count >= 51, f"{count} flushes for 51 operations"
    print(f"{count} flushes for 51 operations, one after the other")


def main():
    program, redis = sys.argv[1:3]
    count = int(os.environ.get("SVGX_TEST_REPLICAS", FAULTS))
    with Cluster(program, redis) as cluster:
        print("through HAProxy" if cluster.front else "HAProxy is not here: clients choose")
        either_replica_serves(cluster)
        jobs_are_found_from_either(cluster)
        streams_reach_the_owner(cluster)
        picture_is_the_same_on_both(cluster)
        a_session_follows_its_editors(cluster)
        a_balancer_may_know_sessions(cluster)
        what_fails_at_the_owner_failed_here(cluster)
        taken_over(cluster)
        comes_back_from_a_backup(cluster)
        flushes(cluster)
    store_over_tls(program, redis)
    with Cluster(program, redis, cut=True) as cluster:
        faults(cluster, count)


main()
