"""Plays the operator of a game day: waits for a page, says its name, runs the commands of its runbook.

    game_day.py SVGX STATE_DIR ALERT...     `svgx drill --game-day` of one of these

What it knows is what an operator knows: the receiver of notifications, Prometheus, and runbooks/. The
one that pages (critical) comes before those that are tickets; what is mended is said by the drill.
"""

import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def firing(prometheus):
    """Names of the alerts that fire, pages first."""
    with urllib.request.urlopen(f"{prometheus}/api/v1/alerts", timeout=10) as answer:
        alerts = json.load(answer)["data"]["alerts"]
    alerts = [a for a in alerts if a["state"] == "firing"]
    alerts.sort(key=lambda a: a["labels"]["severity"] != "critical")
    return [a["labels"]["alertname"] for a in alerts]


def blocks(alert, kind):
    """The commands of a page for the local stack."""
    page = (ROOT / f"runbooks/{alert}.md").read_text()
    return re.findall(rf"(?m)^```sh {kind}\n(.*?)^```$", page, re.S)


def main(program, state, *alerts):
    game = subprocess.Popen(
        [program, "drill", "--game-day", *alerts, "--state-dir", state, "--limit", "10m"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    told = game.stdout.readline()
    if not told.startswith("Something is wrong."):
        sys.exit(f"the game did not begin: {told}{game.stdout.read()}")
    for alert in alerts:
        if alert in told:
            sys.exit(f"it told: {told}")
    environment = re.search(r"Source (\S+) in", told)[1]
    prometheus = re.search(r"(?m)^export PROMETHEUS='(.*)'$", Path(environment).read_text())[1]
    for _ in range(600):
        if page := firing(prometheus):
            break
        time.sleep(1)
    else:
        sys.exit("nothing fires")
    print(f"{page[0]} fires", flush=True)
    print(page[0], file=game.stdin, flush=True)
    for kind in ("diagnosis", "mitigation"):
        for block in blocks(page[0], kind):
            subprocess.run(["sh", "-c", f". {environment}\n{block}"], cwd=ROOT, timeout=120,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    said, _ = game.communicate(timeout=600)
    print(said)
    score = json.loads(said[said.index("{"):])
    wrong = [name for name in ("fired_s", "said_s", "mended_s") if score[name] is None]
    if game.returncode or wrong or not score["right"] or score["drill"] not in alerts:
        sys.exit(f"exit {game.returncode}, without {wrong}")


if __name__ == "__main__":
    main(*sys.argv[1:])
