"""Two engines, a Redis and a HAProxy in front, all on loopback; they end with the test."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = 60.0
# Which session a request is for, as docs/replicas.md shows it.
BY_SESSION = """  http-request set-var(txn.session) path,field(3,/) if { path_beg /sessions/ }
  http-request set-var(txn.session) path,field(5,/) if { path_beg /api/v1/sessions/ }
  http-request set-var(txn.session) req.hdr(x-svgx-session) if { req.hdr(x-svgx-session) -m found }
"""


def wait(what, found, patience=PATIENCE):
    """Waits until `found` says something, and answers that."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    raise SystemExit(f"{what}: not within {patience} s")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port):
    """Whether a Redis has read its file and takes commands."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def ask(port, method, path, body=None, headers=None, timeout=20.0):
    """One request on a connection of its own: status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


class Process:
    """A program that can be killed, held and started again."""

    def __init__(self, command, log, port, is_well=listens):
        self.command, self.log, self.port, self.child = command, log, port, None
        self.is_well = is_well

    def start(self):
        with open(self.log, "ab") as log:
            environment = {"PATH": os.environ["PATH"]}
            self.child = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=environment, stdin=subprocess.DEVNULL
            )

    def ready(self):
        def found():
            if self.child.poll() is not None:
                raise SystemExit(f"{self.command[0]} ended: {open(self.log).read()[-2000:]}")
            return self.is_well(self.port)

        wait(self.command[0], found)

    def kill(self):
        self.child.kill()
        self.child.wait()

    def stop(self):
        """Asks it to end, and waits; its status."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(PATIENCE)

    def hold(self):
        self.child.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.child.send_signal(signal.SIGCONT)

    def end(self):
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
            self.child.wait()


class Network:
    """A Toxiproxy: ways that can be cut, slowed down and healed."""

    def __init__(self, port, scratch):
        self.port, self.ways = port, {}
        command = [os.environ["TOXIPROXY"], "-host", "127.0.0.1", "-port", str(port)]
        self.process = Process(command, os.path.join(scratch, "toxiproxy.log"), port)

    def say(self, method, path, body=None):
        status, _, answer = ask(self.port, method, path, body)
        assert status < 300, (method, path, status, answer[:500])

    def begin(self):
        self.process.start()
        self.process.ready()
        for name, (at, to) in self.ways.items():
            body = {"name": name, "listen": f"127.0.0.1:{at}", "upstream": f"127.0.0.1:{to}"}
            self.say("POST", "/proxies", body)

    def poison(self, ways, kind, attributes):
        """Each way, in both directions."""
        for way in ways:
            for stream in ("upstream", "downstream"):
                body = {"name": f"{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes}
                self.say("POST", f"/proxies/{way}/toxics", body)

    def heal(self):
        self.say("POST", "/reset")


def metric(port, operator, name, *labels):
    """The sum of the series of a metric that have all of the labels."""
    status, _, text = ask(port, "GET", "/metrics", headers={"Authorization": f"Bearer {operator}"})
    assert status == 200, status
    lines = [line for line in text.decode().splitlines() if line.startswith((name + "{", name + " "))]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(label in line for label in labels))


class Cluster:
    def __init__(self, program, redis, cut=False):
        """Two engines on a store. Where they can be cut off, they ask each other through a proxy, which
        accepts for an engine that is gone: another one then waits for the end of its lease."""
        self.scratch = tempfile.mkdtemp(prefix="svgx-replicas-")
        store, self.front, self.hashed, *ports = free_ports(14)
        data = os.path.join(self.scratch, "redis")
        os.mkdir(data)
        self.redis = Process(
            [redis, "--bind", "127.0.0.1", "--port", str(store), "--dir", data, "--save", ""]
            + ["--appendonly", "yes", "--appendfsync", "always"]
            + ["--maxmemory-policy", "noeviction"],
            os.path.join(self.scratch, "redis.log"),
            store,
            answers,
        )
        secret = os.path.join(self.scratch, "secret")
        with open(secret, "w") as file:
            file.write(os.urandom(24).hex())
        self.operator = os.urandom(16).hex()
        operator = os.path.join(self.scratch, "operator")
        with open(operator, "w") as file:
            file.write(self.operator)
        self.network = Network(ports[10], self.scratch) if cut and os.environ.get("TOXIPROXY") else None
        if self.network:
            for number, (to_store, to_engine, between) in enumerate(zip(ports[6:8], ports[8:10], ports[2:4])):
                self.network.ways[f"store-{number}"] = (to_store, store)
                self.network.ways[f"engine-{number}"] = (to_engine, between)
        self.engines, self.internal = [], ports[4:6]
        for number, (public, between, internal) in enumerate(zip(ports[:2], ports[2:4], ports[4:6])):
            command = [program, "serve", "--listen", f"127.0.0.1:{public}"]
            command += ["--internal-listen", f"127.0.0.1:{internal}", "--operator-key-file", operator]
            command += ["--rate-limit", "off", "--controller", "shadow"]
            command += ["--store", f"redis://127.0.0.1:{ports[6 + number] if self.network else store}/"]
            command += ["--replica-listen", f"127.0.0.1:{between}", "--replica-secret-file", secret]
            if self.network:
                command += ["--replica-address", f"127.0.0.1:{ports[8 + number]}"]
            log = os.path.join(self.scratch, f"engine-{number}.log")
            self.engines.append(Process(command, log, public))
        self.proxy = None
        if shutil.which("haproxy"):
            settings = os.path.join(self.scratch, "haproxy.cfg")
            with open(settings, "w") as file:
                file.write(self.proxy_settings())
            log = os.path.join(self.scratch, "haproxy.log")
            self.proxy = Process(["haproxy", "-db", "-f", settings], log, self.front)

    def proxy_settings(self):
        """Round robin, and a connection for each request: nothing hides who has a session."""
        servers = "".join(
            f"  server e{n} 127.0.0.1:{engine.port} check inter 200ms fall 1 rise 1\n"
            for n, engine in enumerate(self.engines)
        )
        return (
            "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n"
            "  timeout server 60s\n  timeout tunnel 60s\n  option http-server-close\n"
            "  option redispatch\n  retries 2\n"
            f"frontend front\n  bind 127.0.0.1:{self.front}\n  default_backend engines\n"
            f"backend engines\n  balance roundrobin\n{servers}"
            f"frontend by-session\n  bind 127.0.0.1:{self.hashed}\n{BY_SESSION}  default_backend by-session\n"
            f"backend by-session\n  balance hash var(txn.session)\n  hash-type consistent\n{servers}"
        )

    def __enter__(self):
        self.redis.start()
        self.redis.ready()
        if self.network:
            self.network.begin()
        for engine in self.engines:
            engine.start()
        for engine in self.engines:
            engine.ready()
        if self.proxy:
            self.proxy.start()
            self.proxy.ready()
        else:
            self.front = self.hashed = None
        return self

    def __exit__(self, kind, error, trace):
        network = self.network and self.network.process
        for process in [self.proxy, *self.engines, network, self.redis]:
            if process:
                process.end()
        if kind is not None:
            for number in range(2):
                log = open(os.path.join(self.scratch, f"engine-{number}.log")).read()
                print(f"--- engine {number}\n{log[-3000:]}")
        shutil.rmtree(self.scratch, ignore_errors=True)
