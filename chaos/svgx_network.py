"""Clients that are slow or many, and connections that are late, narrow, cut off or reset."""

import contextlib
import resource
import socket
import struct
import sys
import time
from pathlib import Path

from svgx_guard import SEEN, activity, check, helper, inject, moved, ours, running
from svgx_stack import SVG, ask, click, descriptors, drawing, probe, problem, read, until, write


def connect(stack, at="public"):
    host, _, port = stack[at].rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=5)


# Many and slow

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
    ours(configuration)
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


@activity
def flood_of_connections(configuration, connections=2000, resets=2000, seconds=5):
    """Connections that say nothing, held; and as many that are reset in the midst of a request."""
    stack = ours(configuration)
    engine = running(stack, "engine")
    before = SEEN["descriptors"] = descriptors(engine)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    inject(stack, seconds + 60)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most, live, end = 0, [], time.monotonic() + seconds
    try:
        with contextlib.ExitStack() as clients:
            for _ in range(connections):
                clients.enter_context(connect(stack))
            most = descriptors(engine) - before
            live.append(probe(stack, "/livez"))
            for _ in range(resets):
                with connect(stack) as client:
                    client.sendall(b"POST /parse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n<svg")
                    # Closed with a reset rather than with a word.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            live.append(probe(stack, "/livez"))
            time.sleep(max(0, end - time.monotonic()))
            live.append(probe(stack, "/livez"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    SEEN.update(most=most, live=live, sockets=connections)
    return {"most": most}


@activity
def connections_are_held(configuration):
    """The connections were there, and probes were answered."""
    ours(configuration)
    check(SEEN["most"] >= 0.8 * SEEN["sockets"], f"only {SEEN['most']} descriptors more")
    check(set(SEEN["live"]) == {200}, f"/livez: {SEEN['live']}")
    return moved(f"{SEEN['most']} descriptors more")


# A proxy between a client and the engine, or between the engine and its collector

def open_proxy(stack, at, to):
    """Starts a proxy that lets everything through. The undo list has to have `end-marked`, `proxy`."""
    state = Path(stack["state"])
    set_to(stack)
    with open(state / "proxy.bound", "wb") as said:
        helper(stack, "proxy", [sys.executable, Path(__file__).parent / "svgx_proxy.py", at, to, state / "proxy.json"], stdout=said)
    until("the proxy listens", lambda: (state / "proxy.bound").read_text().endswith("\n"), 10)
    SEEN.setdefault("places", {})["proxy"] = read(state / "proxy.bound")["at"]


def set_to(stack, **how):
    write(Path(stack["state"]) / "proxy.json", {"delay_ms": 0, "rate": 0, "hole": False, "reset": 0, **how})


@activity
def put_a_proxy_before_the_engine(configuration, seconds=90):
    """Opens another address, from which a proxy leads to the engine."""
    stack = ours(configuration)
    SEEN["descriptors"] = descriptors(running(stack, "engine"))
    inject(stack, seconds, {"how": "end-marked", "mark": "proxy"})
    open_proxy(stack, "127.0.0.1:0", stack["public"])
    return SEEN["places"]["proxy"]


@activity
def set_proxy(configuration, **how):
    """What goes through the proxy: late, in so many bytes a second, not at all, or with answers reset."""
    set_to(ours(configuration), **how)
    time.sleep(0.2)
    return how


def through(stack):
    return {**stack, **SEEN["places"]}


@activity
def answers_are_late(configuration, delay_ms):
    """Through the proxy a click takes as long as both ways; another client's does not."""
    stack, times = ours(configuration), {"proxy": [], "public": []}
    for at in [*times] * 8:
        began = time.monotonic()
        answer = click(through(stack), at=at)
        if answer[0] == 200:
            times[at].append(time.monotonic() - began)
    late, direct = (sorted(times[at])[len(times[at]) // 2] for at in ("proxy", "public"))
    check(late >= 2 * delay_ms / 1000, f"a click through the proxy took {late:.3f} s")
    check(direct < delay_ms / 1000, f"another client's click took {direct:.3f} s")
    return moved(f"a click takes {late:.3f} s through the proxy, {direct:.3f} s beside it")


@activity
def slow_upload_ends(configuration, kilobytes=1000, seconds=40):
    """A body that comes too slowly is ended with the reason; small requests get through.

    408 for one that stands still, and for one that trickles until the time of its request is over.
    """
    stack = through(ours(configuration))
    began = time.monotonic()
    answer = ask(stack, "POST", "/parse", drawing(f"<!--{'x' * 1000 * kilobytes}-->"), at="proxy", timeout=seconds, **SVG)
    took = time.monotonic() - began
    code = problem(answer)["code"] if answer[0] else "closed"
    check(answer[0] in (0, 408), f"{answer[0]} {answer[2][:200]}")
    check(took < seconds - 1, f"no end after {took:.1f} s")
    until("a small request gets through", lambda: click(stack, at="proxy", timeout=20)[0] == 200, 30)
    return moved(f"{code} after {took:.1f} s")


@activity
def answers_are_reset(configuration, least=5, seconds=30):
    """Edits through the proxy end without a word whether they were done."""
    ours(configuration)
    client = SEEN["watches"]["proxy"]
    until("answers are reset", lambda: client.edits["nothing"] >= least, seconds)
    return moved(f"{client.edits['nothing']} edits without an answer")


@activity
def nothing_comes_through(configuration):
    """Through the proxy there is no answer; another client has one."""
    stack = through(ours(configuration))
    check(click(stack, at="proxy", timeout=2)[0] == 0, "a click came through")
    until("another client's click is answered", lambda: click(stack)[0] == 200, 10)
    return moved("no answer through the proxy within 2 s")


@activity
def it_comes_through_again(configuration, seconds=15):
    """Through the proxy as well."""
    stack = through(ours(configuration))
    until("a click is answered", lambda: click(stack, at="proxy")[0] == 200, seconds)
    return True
