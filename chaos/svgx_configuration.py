"""A bad configuration is rolled out, a key is taken away."""

import http.client
import subprocess
import time
from pathlib import Path

from svgx_can import need
from svgx_guard import SEEN, activity, check, inject, mark_of, moved, ours
from svgx_stack import KEYS, alive, ask, click, keys_file, probe, problem, until, write


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
    inject(stack, 150, {"how": "end-marked", "mark": "bad"})
    SEEN["ended"] = {}
    for name, (bad, _) in BAD.items():
        flags = {"--listen": "127.0.0.1:0", "--internal-listen": "off", **bad}
        words = [word.format(**stack) for pair in flags.items() for word in pair]
        # One that served all the same would be ended by the time-out.
        command, environment = [stack["program"], "serve", *words], {"CHAOS_MARK": mark_of(stack, "bad")}
        ended = subprocess.run(command, env=environment, capture_output=True, timeout=20, text=True)
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
    need("keys", stack)
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
