"""What the experiments of this folder do and look at, as functions for Chaos Toolkit's Python
provider; and the stack they do it to, an engine and a collector of traces on loopback:

    eval "$(python3 chaos/svgx_chaos.py up STATE)"    python3 chaos/svgx_chaos.py down STATE

Nothing is touched but what `up` started (process id and time of start), at loopback addresses.
Before a fault is made, how it is undone is on disk, and a guardian waits to do it: when the runner
has died, or the fault has lasted longer than it may. Needs Linux and Python 3.10, nothing else.
"""

import contextlib
import fcntl
import functools
import http.client
import http.server
import ipaddress
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEYS = {name: f"{name}-0123456789abcdef" for name in ("steady", "noisy", "flood", "revoked")}
# Headers of a client have three seconds, so that a flood of slow ones is over soon.
FLAGS = {"--client-timeout": "3", "--drain-timeout": "2"}
ENVIRONMENT = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_TRACES_SAMPLER": "always_on",
               "OTEL_METRIC_EXPORT_INTERVAL": "1000", "LOG_FORMAT": "json"}
# Of this run, which is one process: what activities saw, for later ones; how it goes.
SEEN = {}
RUN = {"begun": False, "effect": None, "failures": []}


def keys_file(without=""):
    return "".join(f"{name}:{key}\n" for name, key in KEYS.items() if name != without)


class Refused(Exception):
    """What is asked for is not the stack that was started here."""


# Files, processes, requests

def read(path):
    return json.loads(path.read_text())


def write(path, value):
    """Puts a file in place whole, and on the disk, or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with open(new, "w") as file:
        file.write(value if isinstance(value, str) else json.dumps(value, indent=1))
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


@contextlib.contextmanager
def locked(state):
    with open(state / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def status(pid):
    """State and time of start of a process; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (fields[0], int(fields[19]))


def named(pid):
    return {"pid": pid, "start": (status(pid) or (None, None))[1]}


def alive(process):
    now = process and status(process["pid"])
    return bool(now) and now[1] == process["start"]


def send(process, number):
    """Signals a process of ours. The descriptor keeps its number from being given to another."""
    try:
        descriptor = os.pidfd_open(process["pid"])
    except ProcessLookupError:
        return
    try:
        if not alive(process):
            raise Refused(f"process {process['pid']} is not the one that was started here")
        signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def until(what, done, seconds=20):
    end = time.monotonic() + seconds
    while not (seen := done()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return seen


def ask(stack, method, path, body=None, key="steady", timeout=10, at="public", **headers):
    """One request: status, headers and body of the answer; 0 and why where there is none."""
    if isinstance(body, dict):
        body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    headers["Authorization"] = f"Bearer {KEYS[key]}"
    connection = http.client.HTTPConnection(stack[at], timeout=timeout)
    try:
        # An answer may come before the body was taken.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, {}, repr(error).encode()
    finally:
        connection.close()


def probe(stack, path):
    return ask(stack, "GET", path, at="internal", timeout=5)[0]


def operate(stack, session, operation, key="steady", timeout=10, **members):
    asked = {"session": session, "operation": operation, **members}
    return ask(stack, "POST", "/interactive", asked, key, timeout)


def click(stack, **options):
    return operate(stack, "steady", "click", element_id="lf01_box", **options)


def edit(stack, session, value):
    return operate(stack, session, "set_attribute", element_id="cable1", name="stroke-width", value=str(value))


def load(stack, session, padding=0):
    room = (ROOT / "examples/room.svgx").read_text().replace("</svg>", f"<!--{'x' * padding}--></svg>")
    return operate(stack, session, "load", content=room, timeout=30)


def problem(answer):
    """The members of a problem document; an answer of another kind fails."""
    if "problem+json" not in answer[1].get("Content-Type", ""):
        raise AssertionError(f"no problem document: {answer[0]} {answer[2][:200]}")
    return json.loads(answer[2])


def metric(stack, name, labels=""):
    """The sum of a metric's series whose labels match the expression."""
    text = ask(stack, "GET", "/metrics", at="internal")[2].decode()
    if f"# TYPE {name} " not in text and f"# TYPE {name[:-6]} " not in text:
        raise AssertionError(f"there is no metric {name}: {text[:100]}")
    lines = re.findall(rf"(?m)^{name}(?:\{{(.*)\}})? (\S+)$", text)
    return sum(float(value) for given, value in lines if re.search(labels, given))


def memory(process, field):
    """A line of its status, in bytes: VmRSS is what it holds, VmHWM the most it ever held."""
    text = Path(f"/proc/{process['pid']}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", text)[1]) * 1024


def descriptors(process):
    return len(os.listdir(f"/proc/{process['pid']}/fd"))


# The stack

def start(stack, part):
    """Starts the engine or the collector at the addresses they had; nothing while they run."""
    state = Path(stack["state"])
    if alive(stack.get(part)):
        return
    if part == "engine":
        flags = {**FLAGS, "--listen": stack["public"], "--internal-listen": stack["internal"],
                 "--data-dir": state / "data", "--api-keys-file": state / "keys"}
        command = [stack["program"], "serve", *(str(word) for pair in flags.items() for word in pair)]
        environment = {**ENVIRONMENT, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{stack['collector_at']}"}
    else:
        command, environment = [sys.executable, __file__, "collect", stack["collector_at"]], {}
    said = state / f"{part}.bound"
    with open(said, "wb") as out, open(state / f"{part}.log", "ab") as log:
        child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True)
    until(f"{part} listens", lambda: said.read_text().endswith("\n") or child.poll() is not None, 60)
    if child.poll() is not None:
        raise AssertionError(f"{part} ended: {(state / f'{part}.log').read_text()[-500:]}")
    bound = json.loads(said.read_text())
    stack[part] = named(child.pid)
    stack.update({name: bound[name] for name in ("public", "internal", "collector_at") if name in bound})
    write(state / "stack.json", stack)


def up(state, program):
    """Starts both; prints what `chaos run` has to know, for `eval`."""
    state.mkdir(parents=True, exist_ok=True)
    if (state / "stack.json").exists() and alive(read(state / "stack.json").get("engine")):
        raise Refused(f"a stack runs in {state}; end it first")
    write(state / "keys", keys_file())
    stack = {"state": str(state), "program": program, "public": "127.0.0.1:0", "internal": "127.0.0.1:0", "collector_at": "127.0.0.1:0"}
    start(stack, "collector")
    start(stack, "engine")
    until("the drawing is loaded", lambda: load(stack, "steady")[0] == 200, 60)
    for name in ("public", "internal", "state"):
        print(f"export SVGX_CHAOS_{name.upper()}={stack[name]}")
    print(f"export PYTHONPATH={Path(__file__).resolve().parent}")


def down(state):
    undo_all(state)
    stack = read(state / "stack.json")
    for part in ("load", "engine", "collector"):
        if alive(stack.get(part)):
            send(stack[part], signal.SIGTERM)
            with contextlib.suppress(AssertionError):
                until("it ended", lambda: not alive(stack[part]), 15)
            if alive(stack[part]):
                send(stack[part], signal.SIGKILL)


def collect(at):
    """A collector that takes everything and keeps nothing."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()
        log_message = staticmethod(lambda *_: None)

    host, port = at.rsplit(":", 1)
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    print(json.dumps({"collector_at": "%s:%d" % server.server_address}), flush=True)
    server.serve_forever()


# Guard rails: whom a fault may touch, how it is undone, and by whom when the runner is gone

def ours(configuration):
    """The stack that is meant, if it is one of this machine that was started by `up`."""
    for name in ("public", "internal"):
        if not ipaddress.ip_address(configuration[name].rpartition(":")[0].strip("[]")).is_loopback:
            raise Refused(f"{configuration[name]} is not an address of loopback")
    path = Path(configuration["state"]) / "stack.json"
    if not path.exists():
        raise Refused(f"no stack was started in {configuration['state']}")
    stack = read(path)
    if any(configuration[name] != stack[name] for name in ("public", "internal")):
        raise Refused(f"the stack in {stack['state']} is at {stack['public']} and {stack['internal']}")
    return stack


def inject(stack, seconds, *undo):
    """Notes how a fault that is about to be made is undone; starts the guardian."""
    state, runner = Path(stack["state"]), named(os.getpid())
    if (state / "undo.json").exists():
        raise Refused("a fault that was made before is not undone yet")
    write(state / "undo.json", {"runner": runner, "steps": undo})
    command = [sys.executable, __file__, "guard", stack["state"], str(runner["pid"]), str(runner["start"]), str(seconds)]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)


def due(state, runner):
    """Whether a fault of this runner is still to be undone."""
    with contextlib.suppress(FileNotFoundError):
        return read(state / "undo.json")["runner"] == runner
    return False


def guard(state, runner, seconds):
    """Undoes the faults when the runner is dead or the time is over."""
    end = time.monotonic() + seconds
    while due(state, runner):
        late = time.monotonic() > end
        if late or not alive(runner):
            if late:
                write(state / "late.json", runner)
            undo_all(state)
        time.sleep(0.2)


def undo_all(state):
    """Undoes what the list says, last first; each step may be done again."""
    with locked(state):
        path = state / "undo.json"
        if not path.exists():
            return
        stack, failed = read(state / "stack.json"), []
        for step in reversed(read(path)["steps"]):
            try:
                UNDO[step["how"]](stack, step)
            except Exception as error:
                failed.append(f"{step}: {error!r}")
        path.unlink()
        if failed:
            raise AssertionError(f"not undone: {failed}")


def restore_limit(_, step):
    if alive(step["process"]):
        resource.prlimit(step["process"]["pid"], resource.RLIMIT_FSIZE, tuple(step["limit"]))


UNDO = {
    "start": lambda stack, step: start(stack, step["part"]),
    "continue": lambda _, step: alive(step["process"]) and send(step["process"], signal.SIGCONT),
    "end": lambda stack, step: alive(stack.get(step["part"])) and send(stack[step["part"]], signal.SIGKILL),
    "restore-limit": restore_limit,
    "restore-keys": lambda stack, _: write(Path(stack["state"]) / "keys", keys_file()),
}


def moved(effect):
    """What a fault moved; a run without is inert."""
    RUN["effect"] = effect
    return effect


def activity(function):
    """A failure is remembered: Chaos Toolkit goes on after one in a method."""
    @functools.wraps(function)
    def run(configuration, *positional, **arguments):
        try:
            return function(configuration, *positional, **arguments)
        except Exception as error:
            RUN["failures"].append(f"{function.__name__}: {error}")
            raise
    return run


# Steady state

@activity
def stack_is_ours(configuration):
    """The addresses are of loopback, and the engine there is the one that `up` started."""
    if not alive(ours(configuration)["engine"]):
        raise Refused("the engine that was started here is gone")
    return True


@activity
def click_is_answered(configuration):
    """A click on the drawing of the session is answered, as soon as there is room for it."""
    stack = ours(configuration)
    until("a click is answered", lambda: click(stack)[0] == 200, 30)
    return True


@activity
def nothing_failed(configuration):
    """Each activity of this run did what it says; after the method, the fault was also seen."""
    late = Path(ours(configuration)["state"]) / "late.json"
    if late.exists() and read(late) == named(os.getpid()):
        raise AssertionError("the fault had to be undone by the guardian: it lasted too long")
    if RUN["failures"]:
        raise AssertionError("; ".join(RUN["failures"]))
    if RUN["begun"] and not RUN["effect"]:
        raise AssertionError("inert: the fault moved nothing that was looked at")
    RUN["begun"] = True
    return True


@activity
def undo(configuration):
    """Undoes the fault; nothing when it is undone."""
    undo_all(Path(ours(configuration)["state"]))
    return True


@activity
def steady_again(configuration, seconds=30):
    """Ready, and a click is answered."""
    stack = ours(configuration)
    until("ready", lambda: probe(stack, "/readyz") == 200, seconds)
    return click_is_answered(configuration)


def main(command, *rest):
    if command == "up":
        up(Path(rest[0]).resolve(), rest[1] if len(rest) > 1 else str(ROOT / "target/debug/svgx"))
    elif command == "down":
        down(Path(rest[0]).resolve())
    elif command == "collect":
        collect(rest[0])
    elif command == "guard":
        guard(Path(rest[0]), {"pid": int(rest[1]), "start": int(rest[2])}, float(rest[3]))


if __name__ == "__main__":
    main(*sys.argv[1:])
