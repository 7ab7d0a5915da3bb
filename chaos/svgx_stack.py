"""The stack that the experiments break: its processes, its files, and requests to it.

`up` starts one of its own, an engine and a collector; `adopt` takes over one that `svgx stack up`
has started. Everything else of this folder acts on what these two wrote down in `stack.json`.
"""

import contextlib
import fcntl
import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEYS = {name: f"{name}-0123456789abcdef" for name in ("steady", "noisy", "flood", "revoked")}
# Headers of a client have three seconds, so that a flood of slow ones is over soon.
FLAGS = {"--client-timeout": "3", "--drain-timeout": "2"}
SVG = {"Content-Type": "image/svg+xml"}
# Of `svgx stack`.
PARTS = ("receiver", "collector", "engine", "alertmanager", "prometheus")
ENVIRONMENT = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_TRACES_SAMPLER": "always_on",
               "OTEL_METRIC_EXPORT_INTERVAL": "1000", "LOG_FORMAT": "json"}


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


def marked(mark):
    """The processes that were started with this mark, whatever they have become."""
    word, found = f"CHAOS_MARK={mark}\0".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if word in (entry / "environ").read_bytes() and status(int(entry.name)):
                    found.append(named(int(entry.name)))
    return found


def end(process, patience=15):
    """Asks a process to end, and kills it when it does not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if alive(process):
            send(process, number)
            with contextlib.suppress(AssertionError):
                until("it ended", lambda: not alive(process), patience)


def until(what, done, seconds=20):
    end = time.monotonic() + seconds
    while not (seen := done()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return seen


def ask(stack, method, path, body=None, key="steady", timeout=10, at="public", over=None, **headers):
    """One request: status, headers and body of the answer; 0 and why where there is none.

    `over` is a connection to use and to leave open, as a client does that keeps one.
    """
    if isinstance(body, dict):
        body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    headers["Authorization"] = f"Bearer {KEYS[key]}"
    connection = over or http.client.HTTPConnection(stack[at], timeout=timeout)
    try:
        # Made first and alone: where it is reset there is nothing to read an answer from.
        if connection.sock is None:
            connection.connect()
        # An answer may come before the body was taken.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return 0, {}, repr(error).encode()
    finally:
        if not over:
            connection.close()


def probe(stack, path):
    return ask(stack, "GET", path, at="internal", timeout=5)[0]


def operate(stack, session, operation, members=None, **options):
    asked = {"session": session, "operation": operation, **(members or {})}
    return ask(stack, "POST", "/interactive", asked, **options)


def click(stack, session="steady", **options):
    return operate(stack, session, "click", {"element_id": "lf01_box"}, **options)


def edit(stack, session, value, **options):
    members = {"element_id": "cable1", "name": "stroke-width", "value": str(value)}
    return operate(stack, session, "set_attribute", members, **options)


def load(stack, session, padding=0, **options):
    room = (ROOT / "examples/room.svgx").read_text().replace("</svg>", f"<!--{'x' * padding}--></svg>")
    return operate(stack, session, "load", {"content": room}, timeout=30, **options)


def delete(stack, session, **options):
    """Whether a session is gone."""
    return ask(stack, "DELETE", f"/sessions/{session}", **options)[0] in (200, 204, 404)


def problem(answer):
    """The members of a problem document; an answer of another kind fails."""
    if "problem+json" not in answer[1].get("Content-Type", ""):
        raise AssertionError(f"no problem document: {answer[0]} {answer[2][:200]}")
    return json.loads(answer[2])


def retry_after(answer, most):
    """The seconds a refusal asks to wait, which have to be few and whole."""
    seconds = int(answer[1].get("Retry-After") or 0)
    if not 1 <= seconds <= most:
        raise AssertionError(f"Retry-After is {seconds}, expected 1 to {most}")
    return seconds


def drawing(content=""):
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{content}</svg>'.encode()


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

def known(state):
    """The stack whose state is here; the processes of an adopted one as its own list has them now."""
    stack = read(Path(state) / "stack.json")
    if stack["adopted"]:
        try:
            parts = read(Path(stack["adopted"]["state"]) / "state.json")["parts"]
        except FileNotFoundError:
            parts = {}
        stack.update({part: None for part in PARTS})
        stack.update({part: {"pid": p["pid"], "start": p["started"]} for part, p in parts.items()})
    return stack


def note(stack, part, pid):
    """Writes down a process that was started beside the stack."""
    stack[part] = named(pid)
    write(Path(stack["state"]) / "stack.json", stack)


def command_of(stack, part):
    """How a part of the stack is started, and with which variables."""
    if adopted := stack["adopted"]:
        where = ["--state-dir", adopted["state"], "--root", adopted["root"]]
        return [stack["program"], "stack", *where, "up", part], adopted["environment"]
    if part == "collector":
        return [sys.executable, __file__, stack["collector_at"]], {}
    flags = {**FLAGS, "--listen": stack["public"], "--internal-listen": stack["internal"],
             "--data-dir": stack["data"], "--api-keys-file": stack["keys"]}
    environment = {**ENVIRONMENT, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{stack['collector_at']}"}
    return [stack["program"], "serve", *(word for pair in flags.items() for word in pair)], environment


def start(stack, part, before=(), variables=()):
    """Starts a part of the stack at the addresses it had; nothing while it runs.

    A fault may put words before the command, and variables into its environment.
    """
    if alive(stack.get(part)):
        return
    state = Path(stack["state"])
    command, environment = command_of(stack, part)
    command, environment = [*before, *command], {**environment, **dict(variables)}
    if stack["adopted"]:
        if not (Path(stack["adopted"]["state"]) / "state.json").exists():
            raise Refused("the stack was ended with `svgx stack down`")
        done = subprocess.run(command, env=environment, cwd=stack["adopted"]["folder"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        stack.update(known(state))
        if done.returncode:
            raise AssertionError(f"{part} did not start: {done.stdout}{done.stderr}")
        return
    # One whose runner was killed before it wrote the process down holds the addresses.
    environment["CHAOS_MARK"] = f"{state}:{part}"
    for process in marked(environment["CHAOS_MARK"]):
        end(process)
    said = state / f"{part}.bound"
    with open(said, "wb") as out, open(state / f"{part}.log", "ab") as log:
        child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True)
    until(f"{part} listens", lambda: said.read_text().endswith("\n") or child.poll() is not None, 60)
    if child.poll() is not None:
        raise AssertionError(f"{part} ended: {(state / f'{part}.log').read_text()[-500:]}")
    bound = json.loads(said.read_text())
    stack.update({name: bound[name] for name in ("public", "internal", "collector_at") if name in bound})
    note(stack, part, child.pid)


def begin(state, program):
    """A folder for a stack where none runs."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (state / "stack.json").exists():
        # One that was ended outside of here has no list any more, and no engine.
        if alive(known(state).get("engine")):
            raise Refused(f"the stack in {state} is in use; end it with `down` first")
        (state / "undo.json").unlink(missing_ok=True)
    return {"state": str(state), "program": program, "adopted": None}


def ready(stack):
    """Loads the drawing; prints what `chaos run` has to know, for `eval`."""
    until("the drawing is loaded", lambda: load(stack, "steady")[0] == 200, 60)
    for name in ("public", "internal", "state"):
        print(f"export SVGX_CHAOS_{name.upper()}={stack[name]}")
    print(f"export PYTHONPATH={Path(__file__).resolve().parent}")


def up(state, program):
    """Starts an engine and a collector."""
    stack = begin(state, program)
    stack.update(dict.fromkeys(("public", "internal", "collector_at"), "127.0.0.1:0"))
    stack.update(data=str(state / "data"), keys=str(state / "keys"))
    write(state / "keys", keys_file())
    start(stack, "collector")
    start(stack, "engine")
    ready(stack)


def adopt(folder, program=None):
    """Takes over the stack that `svgx stack up --state-dir FOLDER` has started."""
    try:
        theirs = read(folder / "state.json")
        engine = {"pid": theirs["parts"]["engine"]["pid"], "start": theirs["parts"]["engine"]["started"]}
    except (FileNotFoundError, KeyError):
        engine = None
    if not alive(engine):
        raise Refused(f"no engine of `svgx stack` runs in {folder}")
    process = Path(f"/proc/{engine['pid']}")
    pairs = (pair.partition("=") for pair in os.fsdecode((process / "environ").read_bytes()).split("\0") if pair)
    environment = {name: value for name, _, value in pairs}
    # Where `svgx stack` looks for the Collector; it takes the variable away from the engine.
    if tools := os.environ.get("SVGX_TEST_TOOLS"):
        environment["SVGX_TEST_TOOLS"] = tools
    # The rules that Prometheus was given lie under the root of the project.
    rules = folder / "prometheus.yaml"
    root = Path(read(rules)["rule_files"][0]).parent.parent if rules.exists() else ROOT
    state = folder / "chaos"
    if (state / "stack.json").exists():
        undo = state / "undo.json"
        if undo.exists():
            raise Refused("a fault that was made before is not undone yet")
        (state / "stack.json").unlink()
    stack = begin(state, program or os.readlink(process / "exe").removesuffix(" (deleted)"))
    at = theirs["addresses"]
    stack.update(
        public=at["engine"], internal=at["internal"], collector_at=at["collector"], prometheus_at=at["prometheus"],
        alertmanager_at=at["alertmanager"], data=str(folder / "engine-data"), keys=environment.get("SVGX_API_KEYS_FILE"),
        adopted={"state": str(folder), "root": str(root), "folder": os.readlink(process / "cwd"), "environment": environment},
    )
    if stack["keys"]:
        there = Path(stack["adopted"]["folder"]) / stack["keys"]
        stack["keys"] = str(there)
        if missing := [key for key in keys_file().splitlines() if key not in there.read_text().splitlines()]:
            raise Refused(f"{there} has not the keys of the experiments (`svgx_chaos.py keys` prints them): {missing}")
    write(state / "stack.json", stack)
    ready(known(state))


def down(state):
    """Ends what was started here: not the parts of an adopted stack."""
    stack = known(state)
    for part in () if stack["adopted"] else ("engine", "collector"):
        end(stack.get(part))
    (state / "stack.json").unlink()


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


if __name__ == "__main__":
    collect(sys.argv[1])
