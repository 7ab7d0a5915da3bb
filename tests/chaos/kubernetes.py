"""The variants for Chaos Mesh, as far as they can be looked at without it: each says that it was neither
executed nor validated, has an experiment here beside it, selects what the manifests of staging run, and ends.
"""

import re
import sys
from pathlib import Path

import yaml

manifests = "\n".join(path.read_text() for path in Path("k8s").rglob("*.yaml"))
wrong = []
for path in map(Path, sys.argv[1:]):
    text = path.read_text()
    found = yaml.safe_load(text)
    spec = found["spec"]
    if not text.startswith("# NEITHER EXECUTED NOR VALIDATED"):
        wrong.append(f"{path}: its header does not say that it was neither executed nor validated")
    local = re.search(r"\.\./(\S+\.yaml)", text)
    if not local or not Path("chaos", local[1]).exists():
        wrong.append(f"{path}: no experiment of this machine beside it")
    for selector in (spec["selector"], spec.get("target", {}).get("selector")):
        for name, value in (selector or {"labelSelectors": {}})["labelSelectors"].items():
            if f"{name}: {value}" not in manifests:
                wrong.append(f"{path}: nothing in k8s/ has {name}: {value}")
    if spec["selector"]["namespaces"] != ["svgx-engine-staging"] or found["metadata"]["namespace"] != "svgx-engine-staging":
        wrong.append(f"{path}: not for staging")
    if "duration" not in spec and spec.get("action") != "container-kill":
        wrong.append(f"{path}: it does not end")
    if spec.get("volumePath") and f"mountPath: {spec['volumePath']}\n" not in manifests:
        wrong.append(f"{path}: nothing is mounted at {spec['volumePath']}")
print("\n".join(wrong))
sys.exit(bool(wrong))
