"""Reads the journal of `chaos run`: exit 1, and why, unless the experiment held and was undone.

Chaos Toolkit notes an activity that fails in a method or a rollback, and goes on.
"""

import json
import sys

with open(sys.argv[1]) as file:
    journal = json.load(file)
wrong = []
if journal["status"] != "completed" or journal["deviated"]:
    wrong.append(f"status {journal['status']}, deviated {journal['deviated']}")
states = [s for s in (journal["steady_states"]["before"], journal["steady_states"]["after"]) if s]
if len(states) < 2:
    wrong.append("the steady state was not looked at before and after")
runs = [run for state in states for run in state["probes"]] + journal["run"] + journal["rollbacks"]
if not journal["run"] or not journal["rollbacks"]:
    wrong.append("no method or no rollback was run")
for run in runs:
    if run["status"] != "succeeded" or run.get("tolerance_met") is False:
        wrong.append(f"{run['activity']['name']}: {(run.get('exception') or ['out of tolerance'])[-1].strip()}")
seen = [run["output"] for run in journal["run"] if run["activity"]["type"] == "probe"]
print("; ".join(wrong) if wrong else f"{seen}")
sys.exit(bool(wrong))
