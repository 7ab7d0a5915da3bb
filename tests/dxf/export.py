"""Writes documents as DXF by svgx, and looks at the files with ezdxf: nothing to audit, as many
entities of each kind as were told, and the same drawing when it is read back."""

import collections
import json
import logging
import pathlib
import sys
import tempfile

import ezdxf
from ezdxf import recover

from compare import drawing, run, views

VERSIONS = ["R12", "R2000", "R2018"]
# What is drawn by entities of its own kind, whatever else is in a file.
KEPT = ["CIRCLE", "ARC", "ELLIPSE", "POINT", "SPLINE", "INSERT"]
OLD_KEPT = ["CIRCLE", "ARC", "POINT", "INSERT"]
HOSTILE = [
    "a&#10;0&#10;ENDSEC&#10;  0&#10;EOF&#10;",
    "&#9;&#x85;&#x2028;%%%%d^J\\P\\U+000A{\\fArial;x}",
    "ü🏠&#xFFFD;" * 200_000,
    "x" * 1_000_000,
]


def hostile(text):
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 100 100">'
        f'<text id="{text[:2000]}" arx:layer="{text[:2000]}" y="9">{text}</text>'
        f'<defs><g id="b{text[:2000]}"><line x2="5" stroke="red"/></g></defs>'
        f'<use href="#b{text[:2000]}"/><circle r="4" fill="#123456" fill-opacity="0.5"/></svg>'
    )


def kinds(entities):
    return dict(collections.Counter(entity.dxftype() for entity in entities))


def audit(program, document, version, scratch):
    """The faults of a written file, its report and its path."""
    path = scratch / f"{document.stem}-{version}.dxf"
    done = run(program, "export", str(document), "--version", version, "-o", str(path), "--report")
    if done.returncode != 0:
        return [done.stderr.strip()[-500:]], None, path
    report, wrong = json.loads(done.stdout), []
    try:
        doc = ezdxf.readfile(path)
    except (IOError, ezdxf.DXFError, ValueError) as error:
        return [f"ezdxf cannot read it: {error}"], report, path
    auditor = doc.audit()
    wrong += [f"audit: {e.message}" for e in (auditor.errors + auditor.fixes)[:5]]
    if kinds(doc.modelspace()) != report["model"]:
        wrong.append(f"model: {kinds(doc.modelspace())}, told {report['model']}")
    paper = collections.Counter()
    for layout in doc.layouts:
        if layout.name != "Model":
            paper.update(kinds(layout))
    if dict(paper) != report["paper"]:
        wrong.append(f"paper: {dict(paper)}, told {report['paper']}")
    blocks = collections.Counter()
    for block in doc.blocks:
        if not block.is_any_layout:
            blocks.update(kinds(block))
    if dict(blocks) != report["blocks"]:
        wrong.append(f"blocks: {dict(blocks)}, told {report['blocks']}")
    if doc.dxfversion != report["version"]:
        wrong.append(f"version {doc.dxfversion}, told {report['version']}")
    return wrong, report, path


def imported(program, path, scratch):
    out = scratch / f"{path.stem}.svgx"
    done = run(program, "import", str(path), "-o", str(out), "--report")
    if done.returncode != 0:
        return None, out
    return json.loads(done.stdout), out


def apart(a, b):
    """How far two boxes are from each other, in sizes of the second."""
    if a is None or b is None:
        return 0.0 if a == b else 1.0
    size = max(b[2] - b[0], b[3] - b[1], 1e-9)
    return max(abs(x - y) for x, y in zip(a, b)) / size


def looks_like(source):
    """What comes back as another kind, because it looks the same: a polyline of one arc is an arc,
    a dimension and every place of an array an insert."""
    more = collections.Counter()
    for entity in ezdxf.readfile(source).modelspace():
        kind = entity.dxftype()
        if kind == "LWPOLYLINE" and len(entity) == 2 and entity[0][4] and not entity.closed:
            more["ARC"] += 1
        elif kind == "INSERT":
            more["INSERT"] += entity.mcount - 1
        elif kind == "DIMENSION":
            more["INSERT"] += 1
    return more


def sheets_kept(first, back, before, after):
    """What of the sheets is not as it was."""
    wrong = []
    if back["sheets"] != first["sheets"]:
        wrong.append(f"{back['sheets']} sheets, there were {first['sheets']}")
    if back["on_paper"]["not_drawn"]:
        wrong.append(f"not drawn on sheets: {back['on_paper']['not_drawn']}")
    had, has = (sum(views(document, 1.0), []) for document in (before, after))
    near = (abs(a - b) <= 1e-6 * abs(b) for x, y in zip(had, has) for a, b in zip(x, y))
    if len(had) != len(has) or not all(near):
        wrong.append(f"views {has}, there were {had}")
    return wrong


def round_trip(program, source, version, scratch, made):
    first, document = imported(program, source, scratch)
    if first is None:
        return []
    wrong, _, path = audit(program, document, version, scratch)
    back, read = imported(program, path, scratch)
    if back is None:
        return wrong + ["what was written is not read back"]
    if back["model"]["not_drawn"]:
        wrong.append(f"not drawn: {back['model']['not_drawn']}")
    if made:
        more = looks_like(source)
        for kind in KEPT if version != "R12" else OLD_KEPT:
            had, has = (r["model"]["drawn"].get(kind, 0) for r in (first, back))
            had += more.get(kind, 0)
            if had != has:
                wrong.append(f"{kind}: {has}, there were {had}")
        # R12 names no unit.
        if version != "R12" and first["unit"] != back["unit"] and first["unit"] in "mm cm m in ft".split():
            wrong.append(f"unit {back['unit']}, it was {first['unit']}")
        if version != "R12":
            wrong += sheets_kept(first, back, document, read)
        far = apart(back["extents"], first["extents"])
        if not far <= 1e-6:
            wrong.append(f"extents {back['extents']}, were {first['extents']}: {far:.1e} apart")
    return wrong


def main(program, examples, named):
    logging.getLogger("ezdxf").setLevel(logging.CRITICAL)
    failed = files = 0

    def tell(name, version, wrong):
        nonlocal failed, files
        files += 1
        failed += len(wrong)
        for what in wrong:
            print(f"{name} as {version}: {what}")

    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        documents = [pathlib.Path(name) for name in examples]
        for at, text in enumerate(HOSTILE):
            path = scratch / f"hostile-{at}.svgx"
            path.write_text(hostile(text))
            documents.append(path)
        for document in documents:
            for version in VERSIONS:
                wrong, _, _ = audit(program, document, version, scratch)
                tell(document.name, version, wrong)
        for source in ["R12", "R2000", "R2018"]:
            for seed in range(2):
                path = scratch / f"made-{source}-{seed}.dxf"
                # What has no end is cut off, and is then part of the extents.
                drawing(source, seed, has_endless=False).saveas(path)
                for version in VERSIONS:
                    tell(path.name, version, round_trip(program, path, version, scratch, True))
        for name in named:
            for version in VERSIONS:
                tell(pathlib.Path(name).name, version, round_trip(program, pathlib.Path(name), version, scratch, False))
    print(f"{files} files written, {failed} differences")
    return 1 if failed else 0


if __name__ == "__main__":
    split = sys.argv.index("--")
    sys.exit(main(sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]))
