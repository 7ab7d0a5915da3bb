"""What watches the engine is dead, slow, or there now and then."""

import signal
import sys
import time
from pathlib import Path

from svgx_can import need
from svgx_guard import SEEN, activity, check, helper, inject, moved, ours, running
from svgx_network import open_proxy
from svgx_stack import alive, ask, click, end, metric, read, send, start, until


LOST = 'signal="(traces|metrics)"'

# The collector

@activity
def kill_collector(configuration, seconds=60):
    """Ends the collector; its port is closed."""
    stack = ours(configuration)
    note_what_is_sent(stack)
    inject(stack, seconds, {"how": "start", "part": "collector"})
    send(running(stack, "collector"), signal.SIGKILL)
    return SEEN["lost"]


def note_what_is_sent(stack):
    until("something was sent", lambda: metric(stack, "svgx_telemetry_sent_total") > 0)
    SEEN["lost"] = metric(stack, "svgx_telemetry_lost_total", LOST)


@activity
def telemetry_is_lost(configuration, seconds=30):
    """What cannot be sent is counted as lost, and clicks are answered all the while."""
    stack, answers = ours(configuration), []

    def lost():
        answers.append(click(stack)[0])
        return metric(stack, "svgx_telemetry_lost_total", LOST) > SEEN["lost"]
    until("something is lost", lost, seconds)
    check(set(answers) <= {200, 503} and 200 in answers, f"clicks: {answers}")
    return moved(f"telemetry lost, {answers.count(200)} of {len(answers)} clicks answered")


@activity
def telemetry_is_sent_again(configuration, seconds=30):
    """The engine finds the collector again by itself."""
    stack = ours(configuration)
    sent = metric(stack, "svgx_telemetry_sent_total")
    until("something is sent", lambda: click(stack) and metric(stack, "svgx_telemetry_sent_total") > sent, seconds)
    return True


@activity
def hang_collector(configuration, seconds=90):
    """Stops the collector: it takes connections and says nothing."""
    stack = ours(configuration)
    note_what_is_sent(stack)
    collector = running(stack, "collector")
    inject(stack, seconds, {"how": "continue", "process": collector})
    send(collector, signal.SIGSTOP)
    return SEEN["lost"]


@activity
def flap_collector(configuration, times=4, pause=1.5, seconds=90):
    """Kills the collector and starts it again, several times."""
    stack = ours(configuration)
    note_what_is_sent(stack)
    inject(stack, seconds, {"how": "start", "part": "collector"})
    for _ in range(times):
        send(running(stack, "collector"), signal.SIGKILL)
        time.sleep(pause)
        start(stack, "collector")
        sent = metric(stack, "svgx_telemetry_sent_total")
        until("something is sent", lambda: click(stack) and metric(stack, "svgx_telemetry_sent_total") > sent, 30)
    return times


@activity
def telemetry_came_through(configuration):
    """Some was lost, some was sent, between each two deaths of the collector."""
    stack = ours(configuration)
    lost = metric(stack, "svgx_telemetry_lost_total", LOST) - SEEN["lost"]
    check(lost > 0, "nothing was lost: it was never missed")
    return moved(f"{lost:g} lost, sent again after each start")


@activity
def put_a_proxy_before_the_collector(configuration, seconds=120):
    """Puts a proxy at the collector's address, and another collector behind it."""
    stack = ours(configuration)
    need("own-collector", stack)
    note_what_is_sent(stack)
    state, here = Path(stack["state"]), Path(__file__).parent
    inject(stack, seconds, {"how": "start", "part": "collector"}, {"how": "end-marked", "mark": "collector-behind"},
           {"how": "end-marked", "mark": "proxy"})
    with open(state / "behind.bound", "wb") as said:
        helper(stack, "collector-behind", [sys.executable, here / "svgx_stack.py", "127.0.0.1:0"], stdout=said)
    until("it listens", lambda: (state / "behind.bound").read_text().endswith("\n"), 10)
    end(running(stack, "collector"))
    open_proxy(stack, stack["collector_at"], read(state / "behind.bound")["collector_at"])
    sent = metric(stack, "svgx_telemetry_sent_total")
    until("something is sent through it", lambda: click(stack) and metric(stack, "svgx_telemetry_sent_total") > sent, 30)
    return True


@activity
def slow_collector_is_not_waited_for(configuration, delay_ms=1000, seconds=6):
    """Telemetry takes as long as the proxy lets it; clicks do not."""
    stack, times, end_at = ours(configuration), [], time.monotonic() + seconds
    sent = metric(stack, "svgx_telemetry_sent_total")
    while time.monotonic() < end_at:
        began = time.monotonic()
        answer = click(stack)
        check(answer[0] in (200, 503), f"{answer[0]} {answer[2][:200]}")
        times.append(time.monotonic() - began)
        time.sleep(0.05)
    check(max(times) < delay_ms / 1000, f"a click took {max(times):.2f} s")
    until("something is sent", lambda: metric(stack, "svgx_telemetry_sent_total") > sent, 20)
    return moved(f"clicks took {max(times):.3f} s at most beside answers that take {delay_ms} ms each way")


# Prometheus and Alertmanager

@activity
def kill_part(configuration, part, seconds=90):
    """Kills Prometheus or Alertmanager."""
    stack = ours(configuration)
    need(part, stack)
    inject(stack, seconds, {"how": "start", "part": part})
    send(running(stack, part), signal.SIGKILL)
    SEEN["part"] = part
    return part


@activity
def part_is_gone(configuration):
    """Nothing answers at its address; the engine takes no notice."""
    stack = ours(configuration)
    part = SEEN["part"]
    until("it is gone", lambda: not alive(stack[part]), 5)
    check(ask(stack, "GET", "/-/ready", at=f"{part}_at")[0] == 0, "something answers at its address")
    check(click(stack)[0] in (200, 503), "clicks are not answered")
    return moved(f"no answer at {stack[f'{part}_at']}")


@activity
def engine_is_watched_again(configuration, seconds=60):
    """Prometheus reads the engine's metrics and knows Alertmanager."""
    stack = ours(configuration)

    def holds(path, word):
        answer = ask(stack, "GET", path, at="prometheus_at")
        return answer[0] == 200 and word in answer[2]
    until("the engine is read", lambda: holds("/api/v1/query?query=up%7Bjob%3D%22svgx-engine%22%7D%20%3D%3D%201", b'"1"'), seconds)
    at = stack["alertmanager_at"].encode()
    until("Alertmanager is known", lambda: holds("/api/v1/alertmanagers", at), seconds)
    until("Alertmanager is ready", lambda: ask(stack, "GET", "/-/ready", at="alertmanager_at")[0] == 200, seconds)
    return True
