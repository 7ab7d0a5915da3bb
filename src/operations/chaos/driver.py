# Runs functions for `svgx chaos run`: a request and an answer a line, all in one process, as Chaos
# Toolkit does, for modules remember what earlier activities saw.
import importlib
import inspect
import json
import os
import sys
import threading
import traceback

sys.path.insert(0, os.getcwd())
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
lock = threading.Lock()


def serve(asked):
    said = {"id": asked["id"]}
    try:
        function = getattr(importlib.import_module(asked["module"]), asked["func"])
        arguments = dict(asked["arguments"])
        known = inspect.signature(function).parameters
        for name in ("configuration", "secrets"):
            if name in known:
                arguments[name] = asked["configuration"] if name == "configuration" else {}
        said["output"] = function(**arguments)
        json.dumps(said)
    except BaseException as error:
        said = {"id": asked["id"], "error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
    with lock:
        print(json.dumps(said), file=answers, flush=True)


for line in sys.stdin:
    threading.Thread(target=serve, args=[json.loads(line)], daemon=True).start()
os._exit(0)
