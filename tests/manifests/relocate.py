"""Copies a folder of JSON schemas so that they find each other by file name, wherever they are:
relocate.py FROM TO. As packaged, they name each other by an address that is not theirs."""
import json, pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
target.mkdir(parents=True, exist_ok=True)
for file in source.glob("*.json"):
    schema = json.loads(file.read_text().replace('"/api/_definitions.json#', '"_definitions.json#'))
    schema.pop("$id", None)
    (target / file.name).write_text(json.dumps(schema))
