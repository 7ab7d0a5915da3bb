"""The faults, and what is looked at under each of them. See svgx_guard.py for the guard rails."""

import contextlib
import functools
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from svgx_guard import SEEN, activity, check, inject, moved, ours
from svgx_stack import (
    KEYS, alive, ask, click, descriptors, edit, keys_file, load, memory, metric, note, probe, problem,
    send, status, until, write,
)

SVG = {"Content-Type": "image/svg+xml"}


def retry_after(answer, most):
    """The seconds a refusal asks to wait, which have to be few and whole."""
    seconds = int(answer[1].get("Retry-After") or 0)
    check(1 <= seconds <= most, f"Retry-After is {seconds}, expected 1 to {most}")
    return seconds


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
    pool = ThreadPoolExecutor(1)
    SEEN["waiting"] = pool.submit(click, stack, timeout=seconds + 20)
    pool.shutdown(wait=False)
    return True


@activity
def engine_does_not_answer(configuration):
    """It is there and says nothing: connections are taken, by the kernel, and not answered."""
    stack = ours(configuration)
    until("it is stopped", lambda: (status(stack["engine"]["pid"]) or "?")[0] == "T", 5)
    check(ask(stack, "GET", "/livez", at="internal", timeout=2)[0] == 0, "it answers")
    check(not SEEN["waiting"].done(), "the click was answered")
    return moved("no answer to a probe within 2 s")


@activity
def waiting_click_is_answered(configuration):
    """The click that was sent while it was stopped: answered, or refused with a problem."""
    stack = ours(configuration)
    answer = SEEN["waiting"].result(timeout=30)
    if answer[0] == 200:
        return 200
    check(answer[0] == 503, f"{answer[0]} {answer[2][:200]}")
    retry_after(answer, 60)
    return problem(answer)["code"]


# The store cannot write

@activity
def limit_files(configuration, seconds=60):
    """Lets no file of the running engine grow beyond what the store's has now (RLIMIT_FSIZE)."""
    stack = ours(configuration)
    engine = stack["engine"]
    limit = resource.prlimit(engine["pid"], resource.RLIMIT_FSIZE)
    size = (Path(stack["data"]) / "sessions.redb").stat().st_size
    inject(stack, seconds, {"how": "restore-limit", "process": engine, "limit": limit})
    check(alive(engine), "it is gone")
    resource.prlimit(engine["pid"], resource.RLIMIT_FSIZE, (size, limit[1]))
    SEEN["limited"] = engine
    return size


@activity
def store_refuses(configuration):
    """Not ready, alive, every edit refused with the reason and a time; what needs no store works."""
    stack = ours(configuration)

    def refused():
        answer = load(stack, f"large-{os.getpid()}", padding=4_000_000)
        return answer[0] == 503 and problem(answer)["code"] == "store-failed"
    until("a drawing for which there is no room is refused", refused, 30)
    until("not ready", lambda: probe(stack, "/readyz") == 503)
    width = int(time.monotonic())  # Another one each time: an edit that changes nothing writes nothing.
    answer = edit(stack, "steady", width)
    check((answer[0], problem(answer)["code"]) == (503, "store-failed"), f"{answer[0]} {answer[2][:200]}")
    SEEN["retry-after"] = retry_after(answer, 5)
    check(probe(stack, "/livez") == 200, "not alive")
    check(metric(stack, "svgx_session_store_available") == 0, "the metric says that it takes writes")
    parse = functools.partial(ask, stack, "POST", "/parse", drawing(), timeout=20, **SVG)
    until("what needs no store is done", lambda: parse()[0] == 200)
    return moved("svgx_session_store_available is 0")


@activity
def store_takes_edits_again(configuration):
    """After the time that the refusal said, by itself: the same process takes an edit."""
    stack = ours(configuration)
    time.sleep(SEEN["retry-after"])
    until("an edit is taken", lambda: edit(stack, "steady", int(time.monotonic()))[0] == 200, 10)
    check(stack["engine"] == SEEN["limited"] and alive(SEEN["limited"]), "it was restarted")
    check(metric(stack, "svgx_session_store_available") == 1, "the metric says that it takes no writes")
    return True


# The collector is dead

@activity
def kill_collector(configuration, seconds=60):
    """Ends the collector; its port is closed."""
    stack = ours(configuration)
    until("something was sent", lambda: metric(stack, "svgx_telemetry_sent_total") > 0)
    SEEN["lost"] = metric(stack, "svgx_telemetry_lost_total", 'signal="(traces|metrics)"')
    inject(stack, seconds, {"how": "start", "part": "collector"})
    send(stack["collector"], signal.SIGKILL)
    return SEEN["lost"]


@activity
def telemetry_is_lost(configuration, seconds=30):
    """What cannot be sent is counted as lost, and clicks are answered all the while."""
    stack, answers = ours(configuration), []

    def lost():
        answers.append(click(stack)[0])
        return metric(stack, "svgx_telemetry_lost_total", 'signal="(traces|metrics)"') > SEEN["lost"]
    until("something is lost", lost, seconds)
    check(set(answers) <= {200, 503} and answers.count(200) >= 0.9 * len(answers), f"clicks: {answers}")
    return moved(f"telemetry lost, {answers.count(200)} of {len(answers)} clicks answered")


@activity
def telemetry_is_sent_again(configuration, seconds=30):
    """The engine finds the collector again by itself."""
    stack = ours(configuration)
    sent = metric(stack, "svgx_telemetry_sent_total")
    until("something is sent", lambda: click(stack) and metric(stack, "svgx_telemetry_sent_total") > sent, seconds)
    return True


# Floods

@activity
def flood_physics(configuration, rate=30, seconds=8):
    """Sends more simulations than can be done (`svgx load`), and clicks beside them."""
    stack = ours(configuration)
    report = Path(stack["state"]) / "load.json"
    report.unlink(missing_ok=True)
    before = metric(stack, "svgx_operation_outcomes_total", 'class="physics",.*outcome="(shed|degraded)"')
    inject(stack, seconds + 60, {"how": "end", "part": "load"})
    command = [stack["program"], "load", "--url", f"http://{stack['public']}", "--profile", "physics", "--key", KEYS["flood"],
               "--rate", str(rate), "--duration", f"{seconds}s", "--max-requests", "500", "--connections", "64", "--out", str(report)]
    flood = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    note(stack, "load", flood.pid)
    clicks = []
    while flood.poll() is None:
        began = time.monotonic()
        clicks.append((click(stack)[0], time.monotonic() - began))
        time.sleep(0.1)
    SEEN.update(clicks=clicks, report=json.loads(report.read_text()))
    SEEN["refused"] = metric(stack, "svgx_operation_outcomes_total", 'class="physics",.*outcome="(shed|degraded)"') - before
    return {"clicks": len(clicks), "refused": SEEN["refused"]}


@activity
def physics_gave_way(configuration, least=20):
    """Physics was refused, deferred or answered more coarsely; nothing failed or broke."""
    stack = ours(configuration)
    [physics] = [c for phase in SEEN["report"]["phases"] for c in phase["classes"] if c["class"] == "physics"]
    gave_way = physics["shed"] + physics["deferred"] + sum(n for tier, n in physics["tiers"].items() if tier != "compute")
    check(not physics["failed"], f"answered otherwise than by a refusal: {physics['failed']}")
    check(gave_way >= least, f"only {gave_way} of {physics['offered']} simulations gave way")
    check(SEEN["refused"] + physics["deferred"] > 0, "the metrics tell of none")
    return moved(f"{gave_way} of {physics['offered']} simulations refused, deferred or coarser")


@activity
def clicks_were_answered(configuration, share=0.8):
    """Clicks beside the flood were answered; the few that were not, refused."""
    answers = [code for code, _ in SEEN["clicks"]]
    check(len(answers) >= 5, f"only {len(answers)} clicks were sent")
    check(set(answers) <= {200, 503}, f"clicks: {answers}")
    check(answers.count(200) >= share * len(answers), f"{answers.count(200)} of {len(answers)} clicks answered")
    times = sorted(seconds for _, seconds in SEEN["clicks"])
    return {"answered": answers.count(200), "of": len(answers), "p95_ms": round(1000 * times[int(0.95 * len(times))], 1)}


@activity
def flood_with_one_key(configuration, requests=300):
    """More requests with one key than its rate allows; requests with another beside them."""
    stack = ours(configuration)
    inject(stack, 90)
    with ThreadPoolExecutor(8) as pool:
        noisy = pool.map(lambda _: ask(stack, "GET", "/jobs", key="noisy"), range(requests))
        SEEN["others"] = [ask(stack, "GET", "/jobs")[0] for _ in range(20)]
    SEEN["noisy"] = list(noisy)
    return len(SEEN["noisy"])


@activity
def only_the_noisy_key_waits(configuration):
    """The noisy key is refused with 429 and a time that is true; the other never is."""
    stack = ours(configuration)
    refused = [answer for answer in SEEN["noisy"] if answer[0] == 429]
    check(len(refused) > 20, f"{len(refused)} of {len(SEEN['noisy'])} requests were refused")
    check({answer[0] for answer in SEEN["noisy"]} == {200, 429}, "another answer")
    check(problem(refused[-1])["code"] == "rate-limited", "another problem")
    check(set(SEEN["others"]) == {200}, f"the other key: {SEEN['others']}")
    time.sleep(retry_after(refused[-1], 60))
    check(ask(stack, "GET", "/jobs", key="noisy")[0] == 200, "refused after the time it was told")
    return moved(f"{len(refused)} of {len(SEEN['noisy'])} requests refused")


def was_sent_away(client):
    """Whether the engine ended a connection, with 408 or without a word."""
    client.settimeout(0.1)
    try:
        return client.recv(4096)[:12] in (b"", b"HTTP/1.1 408")
    except TimeoutError:
        return False
    except OSError:
        return True


@activity
def flood_connections(configuration, sockets=300, seconds=6):
    """Clients that send a request byte by byte, without end."""
    stack = ours(configuration)
    engine, host = stack["engine"], stack["public"].rpartition(":")
    before = SEEN["descriptors"] = descriptors(engine)
    inject(stack, seconds + 60)
    clients, most, live = [], 0, []
    with contextlib.ExitStack() as stack_of_clients:
        for _ in range(sockets):
            client = stack_of_clients.enter_context(socket.create_connection((host[0].strip("[]"), int(host[2])), timeout=5))
            client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            clients.append(client)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(b"x")
            most = max(most, descriptors(engine) - before)
            live.append(probe(stack, "/livez"))
            time.sleep(0.3)
        ended = sum(was_sent_away(client) for client in clients)
    SEEN.update(most=most, live=live, ended=ended, sockets=sockets)
    return {"most": most, "ended": ended}


@activity
def slow_clients_are_sent_away(configuration):
    """The flood was there, probes were answered, and the engine ended what did not come to a point."""
    stack = ours(configuration)
    check(SEEN["most"] >= 0.8 * SEEN["sockets"], f"only {SEEN['most']} descriptors more")
    check(set(SEEN["live"]) == {200}, f"/livez: {SEEN['live']}")
    check(SEEN["ended"] == SEEN["sockets"], f"{SEEN['ended']} of {SEEN['sockets']} slow clients were sent away")
    return moved(f"{SEEN['most']} descriptors more")


@activity
def descriptors_come_back(configuration, spare=10):
    """As many are open as before, or a few more."""
    stack = ours(configuration)
    most = SEEN["descriptors"] + spare
    until(f"at most {most} descriptors", lambda: descriptors(stack["engine"]) <= most, 30)
    return descriptors(stack["engine"])


# Elephants

def drawing(content=""):
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{content}</svg>'.encode()


# Name: path, body, and what has to be named in the answer.
ELEPHANTS = {
    "body": ("/parse", lambda: (b" " * 65_536 for _ in range(170)), "limit-body-bytes"),
    "elements": ("/parse", lambda: drawing("<g/>" * 200_001), "limit-elements"),
    "depth": ("/parse", lambda: drawing("<g>" * 1_100 + "</g>" * 1_100), "limit-depth"),
    "attribute": ("/compile/svg", lambda: drawing(f'<g id="{"a" * 1_100_000}"/>'), "limit-attribute-bytes"),
}


@activity
def send_elephants(configuration, times=3):
    """Drawings beyond the limits, four at a time."""
    stack = ours(configuration)
    SEEN["held"] = memory(stack["engine"], "VmHWM")
    SEEN["told"] = metric(stack, "http_server_request_duration_seconds_count", 'status_code="4(13|22)"')
    inject(stack, 120)

    def answer_to(name):
        path, body, _ = ELEPHANTS[name]
        for _ in range(20):
            answer = ask(stack, "POST", path, body(), timeout=60, **SVG)
            if answer[0] != 503:
                break
            time.sleep(0.5)
        return name, answer
    with ThreadPoolExecutor(4) as pool:
        SEEN["answers"] = list(pool.map(answer_to, list(ELEPHANTS) * times))
    return len(SEEN["answers"])


@activity
def elephants_are_named(configuration, megabytes=300):
    """Each is refused for good, with the limit by name; the memory they took is bounded."""
    stack = ours(configuration)
    for name, answer in SEEN["answers"]:
        check(answer[0] in (413, 422), f"{name}: {answer[0]} {answer[2][:200]}")
        told = problem(answer)
        codes = [told["code"]] + [finding["code"] for finding in told.get("errors", [])]
        check(ELEPHANTS[name][2] in codes, f"{name}: {codes}")
        check(re.search(r"limit|at most|allowed", told["detail"]) and re.search(r"\d", told["detail"]), f"{name}: {told['detail']}")
    more = memory(stack["engine"], "VmHWM") - SEEN["held"]
    check(more <= megabytes * 1_000_000, f"{more} bytes more")
    counted = metric(stack, "http_server_request_duration_seconds_count", 'status_code="4(13|22)"') - SEEN["told"]
    check(counted >= len(SEEN["answers"]), f"{counted} of {len(SEEN['answers'])} were counted")
    return moved(f"{len(SEEN['answers'])} refused, {more // 1_000_000} MB more at most")


# A bad configuration

# Name: what is given instead of the running engine's flags, and what has to be said.
BAD = {
    "a flag that is none": ({"--no-such-flag": "1"}, "--no-such-flag"),
    "a value that is none": ({"--rate-limit": "perhaps"}, "expected off or default"),
    "an address that is taken": ({"--listen": "{public}"}, "cannot listen on"),
    "a store that is in use": ({"--data-dir": "{data}"}, "in use by another process"),
    "a file with an unknown setting": ({"--config": "{state}/bad.toml"}, "no-such-setting"),
    "a file of keys without a key": ({"--api-keys-file": "/dev/null"}, "there is no key in it"),
}


@activity
def roll_out_bad_configurations(configuration):
    """Starts the same program with configurations that cannot work, beside the running engine."""
    stack = ours(configuration)
    SEEN["running"] = stack["engine"]
    write(Path(stack["state"]) / "bad.toml", 'no-such-setting = "1"\n')
    inject(stack, 150)
    SEEN["ended"] = {}
    for name, (bad, _) in BAD.items():
        flags = {"--listen": "127.0.0.1:0", "--internal-listen": "off", **bad}
        words = [word.format(**stack) for pair in flags.items() for word in pair]
        # One that served all the same would be ended by the time-out.
        ended = subprocess.run([stack["program"], "serve", *words], env={}, capture_output=True, timeout=20, text=True)
        SEEN["ended"][name] = (ended.returncode, ended.stderr)
    return len(SEEN["ended"])


@activity
def bad_configurations_end_at_once(configuration):
    """Exit status 2 and a message that says what is wrong; the running engine took no notice."""
    stack = ours(configuration)
    for name, (code, said) in SEEN["ended"].items():
        check(code == 2 and BAD[name][1] in said, f"{name}: exit {code}, {said[-300:]}")
    check(stack["engine"] == SEEN["running"] and alive(SEEN["running"]), "the running engine is gone")
    check(probe(stack, "/readyz") == 200 and click(stack)[0] in (200, 503), "the running engine does not answer")
    return moved(f"{len(SEEN['ended'])} configurations refused")


# A key is taken away

def stream(stack, key):
    """The events of the controller's state, begun; the connection and its answer."""
    connection = http.client.HTTPConnection(stack["public"], timeout=20)
    connection.request("GET", "/slo/stream", headers={"Authorization": f"Bearer {KEYS[key]}"})
    answer = connection.getresponse()
    check(answer.status == 200 and answer.readline().startswith(b"event:"), f"{key}: {answer.status}")
    return connection, answer


@activity
def revoke_key(configuration, seconds=60):
    """Takes a key out of the file of keys while a stream that was opened with it runs."""
    stack = ours(configuration)
    SEEN["streams"] = {key: stream(stack, key) for key in ("revoked", "steady")}
    keys = Path(stack["keys"])
    inject(stack, seconds, {"how": "restore-file", "path": str(keys), "text": keys.read_text()})
    write(keys, keys_file(without="revoked"))
    return True


@activity
def stream_ends_with_its_key(configuration, seconds=20):
    """The stream ends and the key is refused; a stream with another key goes on."""
    stack = ours(configuration)
    (_, gone), (_, stays) = SEEN["streams"]["revoked"], SEEN["streams"]["steady"]
    end = time.monotonic() + seconds
    while gone.readline():
        check(time.monotonic() < end, f"the stream goes on after {seconds} s")
    answer = ask(stack, "GET", "/state", key="revoked")
    check((answer[0], problem(answer)["code"]) == (401, "unauthorized"), f"{answer[0]}")
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        check(stays.readline(), "the stream with another key ended as well")
    return moved("the stream ended, 401 for the key")


@activity
def key_is_good_again(configuration):
    """The file is read again by itself."""
    stack = ours(configuration)
    until("the key is known", lambda: ask(stack, "GET", "/state", key="revoked")[0] == 200, 20)
    for connection, _ in SEEN.pop("streams").values():
        connection.close()
    return True
