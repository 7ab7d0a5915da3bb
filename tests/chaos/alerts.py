"""Each experiment names the alert that it makes fire, which has to exist with its page, or says why none."""

import re
import sys
from pathlib import Path

import yaml

alerts = {name for rules in Path("alerts").glob("*.rules.yaml") for name in re.findall(r"- alert: (\w+)", rules.read_text())}
wrong = [] if alerts else ["alerts/ holds no alert"]
for path in map(Path, sys.argv[1:]):
    [ours] = [e for e in yaml.safe_load(path.read_text())["extensions"] if e["name"] == "svgx"]
    alert = ours["alert"]
    if alert == "none":
        if len(ours.get("because", "")) < 20:
            wrong.append(f"{path}: no alert, and no reason")
    elif alert not in alerts or not Path(f"runbooks/{alert}.md").exists():
        wrong.append(f"{path}: there is no alert {alert}, or no page for it")
print("\n".join(wrong))
sys.exit(bool(wrong))
