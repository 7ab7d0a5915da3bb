"""More is asked for than can be done: floods, one noisy key, a storm of retries, elephants."""

import json
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from svgx_can import need
from svgx_guard import SEEN, activity, check, helper, inject, moved, ours, running
from svgx_stack import (
    KEYS, SVG, ask, click, descriptors, drawing, load, memory, metric, problem, retry_after, send, until,
    write,
)
from svgx_watch import CROWDED, crowded, processors

# What is asked for, and how it gives way.
PROFILES = {
    "physics": "  - { name: simulate, class: physics, rate: 10, ask: { simulate: { bodies: 200, seconds: 1 } } }\n",
    "redraw": "  - { name: render, class: redraw, rate: 10, ask: { render: 1000 } }\n"
              "  - { name: compile, class: redraw, rate: 10, ask: { compile-svg: 1000 } }\n",
}


@activity
def flood(configuration, of="physics", rate=30, seconds=8, most=500):
    """Asks for more of a class than can be done (`svgx load`), and clicks beside it."""
    stack = ours(configuration)
    state, gave_way = Path(stack["state"]), f'class="{of}",.*outcome="(shed|degraded)"'
    report = state / "load.json"
    report.unlink(missing_ok=True)
    write(state / "load.yaml", f"operations:\n{PROFILES[of]}")
    before = metric(stack, "svgx_operation_outcomes_total", gave_way)
    inject(stack, seconds + 60, {"how": "end-marked", "mark": "load"})
    running = helper(stack, "load", [
        stack["program"], "load", "--url", f"http://{stack['public']}", "--profile", state / "load.yaml", "--key", KEYS["flood"],
        "--rate", rate, "--duration", f"{seconds}s", "--max-requests", most, "--connections", "64", "--out", report])
    clicks, then = [], processors(stack)
    while running.poll() is None:
        began = time.monotonic()
        clicks.append((click(stack)[0], time.monotonic() - began))
        time.sleep(0.1)
    SEEN.update(clicks=clicks, report=json.loads(report.read_text()))
    SEEN["refused"] = metric(stack, "svgx_operation_outcomes_total", gave_way) - before
    SEEN["others"] = crowded(then, processors(stack))
    return {"clicks": len(clicks), "refused": SEEN["refused"]}


@activity
def flood_gave_way(configuration, of="physics", least=20):
    """It was refused, deferred or answered more coarsely; nothing failed or broke."""
    ours(configuration)
    [asked] = [c for phase in SEEN["report"]["phases"] for c in phase["classes"] if c["class"] == of]
    gave_way = asked["shed"] + asked["deferred"] + sum(n for tier, n in asked["tiers"].items() if tier != "compute")
    check(not asked["failed"], f"answered otherwise than by a refusal: {asked['failed']}")
    check(gave_way >= least, f"only {gave_way} of {asked['offered']} gave way")
    check(SEEN["refused"] + asked["deferred"] > 0, "the metrics tell of none")
    return moved(f"{gave_way} of {asked['offered']} refused, deferred or coarser")


@activity
def clicks_were_answered(configuration, share=0.8):
    """Clicks beside the flood were answered, where the machine is not crowded; the few that were not, refused."""
    answers = [code for code, _ in SEEN["clicks"]]
    check(len(answers) >= 5, f"only {len(answers)} clicks were sent")
    check(set(answers) <= {200, 503}, f"clicks: {answers}")
    answered = answers.count(200)
    check(SEEN["others"] > CROWDED or answered >= share * len(answers), f"{answered} of {len(answers)} clicks answered")
    times = sorted(seconds for _, seconds in SEEN["clicks"])
    return {"answered": answered, "of": len(answers), "p95_ms": round(1000 * times[int(0.95 * len(times))], 1)}


@activity
def flood_with_one_key(configuration, requests=300):
    """More requests with one key than its rate allows; requests with another beside them."""
    stack = ours(configuration)
    need("keys", stack)
    inject(stack, 90)
    with ThreadPoolExecutor(8) as pool:
        noisy = pool.map(lambda _: ask(stack, "GET", "/jobs", key="noisy"), range(requests))
        SEEN["with-another"] = [ask(stack, "GET", "/jobs")[0] for _ in range(20)]
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
    check(set(SEEN["with-another"]) == {200}, f"the other key: {SEEN['with-another']}")
    time.sleep(retry_after(refused[-1], 60))
    check(ask(stack, "GET", "/jobs", key="noisy")[0] == 200, "refused after the time it was told")
    return moved(f"{len(refused)} of {len(SEEN['noisy'])} requests refused")


# Elephants

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
            # What would take long is not put off: the answer is what is looked at.
            answer = ask(stack, "POST", path, body(), timeout=60, Prefer="wait=60", **SVG)
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


# A storm of retries

@activity
def storm_of_retries(configuration, clients=24, patience=0.2, stopped=2, seconds=90):
    """Clients that give up soon and ask again at once, while the engine is stopped and after it goes on."""
    stack = ours(configuration)
    engine, ends = running(stack, "engine"), threading.Event()
    until("a drawing is loaded", lambda: load(stack, "storm", key="flood")[0] == 200, 30)
    SEEN["descriptors"], then = descriptors(engine), processors(stack)
    inject(stack, seconds, {"how": "continue", "process": engine})

    def storm(_):
        codes = []
        while not ends.is_set() and len(codes) < 400:
            codes.append(click(stack, "storm", key="flood", timeout=patience)[0])
        return codes
    with ThreadPoolExecutor(clients) as pool:
        send(engine, signal.SIGSTOP)
        storms = [pool.submit(storm, n) for n in range(clients)]
        time.sleep(stopped)
        send(engine, signal.SIGCONT)
        began = time.monotonic()
        try:
            until("a click is answered", lambda: click(stack, timeout=10)[0] == 200, 60)
            SEEN["back"] = time.monotonic() - began
            time.sleep(2)
        finally:
            ends.set()
    SEEN["others"] = crowded(then, processors(stack))
    SEEN["storm"] = [code for one in storms for code in one.result()]
    return len(SEEN["storm"])


@activity
def storm_is_outlived(configuration, within=10, least=50):
    """Requests were given up in numbers; the engine answered soon after, under the storm."""
    ours(configuration)
    given_up, answered = SEEN["storm"].count(0), SEEN["storm"].count(200)
    check(given_up >= least, f"only {given_up} requests were given up")
    check(set(SEEN["storm"]) <= {0, 200, 429, 503}, f"another answer: {set(SEEN['storm'])}")
    check(answered > 0, "none of the storm's requests was ever answered")
    check(SEEN["others"] > CROWDED or SEEN["back"] <= within, f"the first answer came after {SEEN['back']:.1f} s")
    return moved(f"{given_up} requests given up, {answered} answered, the first click {SEEN['back']:.2f} s after it went on")
