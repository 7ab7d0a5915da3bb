"""The client that watches has to notice: it is given services that lose, double, refuse badly or say nothing."""

import http.server
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "chaos"))
from svgx_guard import SEEN
from svgx_stack import named, write
from svgx_watch import held_all_along, watch

REFUSED = {"code": "overloaded", "detail": "too much"}
# Name: what the service does at its tenth edit and every third after, and what has to be said of it.
SERVICES = {
    "right": (None, None),
    "refuses": ((503, {"Retry-After": "1"}, "application/problem+json", REFUSED), None),
    "loses an edit": ("lose", "acknowledged"),
    "does an edit twice": ("double", "records"),
    "fails without a problem document": ((500, {}, "text/html", "oh"), "no problem document"),
    "fails with a problem document": ((500, {}, "application/problem+json", REFUSED), "500 overloaded"),
    "refuses without a time": ((503, {}, "application/problem+json", REFUSED), "Retry-After"),
    "says nothing": ("nothing", "had no answer"),
}


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log_message = staticmethod(lambda *_: None)

    def answer(self, code, body, kind="application/json", headers=()):
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": len(body), **dict(headers)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, f'<svg><path id="cable1" stroke-width="{self.server.value}"/></svg>')

    def do_POST(self):
        asked, server = json.loads(self.rfile.read(int(self.headers["Content-Length"]))), self.server
        if asked["operation"] == "set_attribute":
            server.edits += 1
            fault = server.fault if server.edits >= 10 and server.edits % 3 == 1 else None
            if isinstance(fault, tuple):
                return self.answer(fault[0], fault[3], fault[2], fault[1])
            if fault == "nothing":
                self.close_connection = True
                return self.connection.shutdown(socket.SHUT_RDWR)
            if str(server.value) != asked["value"]:
                server.sequence += 2 if fault == "double" else 1
            # The one that is lost has its number and not its value, for good.
            server.lost = server.lost or fault == "lose"
            server.value = server.value if server.lost else asked["value"]
        else:
            server.sequence += 1
        self.answer(200, {"state": {"sequence": server.sequence}})


def seen(fault, state):
    """What the client says of a service."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.fault, server.edits, server.sequence, server.value, server.lost = fault, 0, 0, 3, False
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    at = f"127.0.0.1:{server.server_port}"
    write(state / "stack.json", {"state": str(state), "adopted": None, "public": at, "internal": at, "engine": named(os.getpid())})
    configuration = {"state": str(state), "public": at, "internal": at}
    try:
        watch(configuration, pause=0.001)
        one = SEEN["watches"]["public"]
        while one.edits.total() < 20 and one.is_alive():
            time.sleep(0.01)
        held_all_along(configuration, share=0.5)
    except AssertionError as error:
        return str(error)
    finally:
        server.shutdown()
    return None


wrong = []
with tempfile.TemporaryDirectory() as folder:
    for name, (fault, expected) in SERVICES.items():
        said = seen(fault, Path(folder))
        if (said is None) != (expected is None) or (expected and not re.search(expected, said)):
            wrong.append(f"a service that {name}: expected {expected!r}, the client said {said!r}")
print("\n".join(wrong) or f"the client that watches knows {len(SERVICES)} services apart")
sys.exit(bool(wrong))
