"""Writes DXF files by ezdxf, imports them by svgx, and compares what both count and measure."""

import json
import logging
import pathlib
import random
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

import ezdxf
from ezdxf import bbox, recover
from ezdxf.enums import TextEntityAlignment
from ezdxf.math import Vec2
from ezdxf.render.mleader import ConnectionSide

ARX = "{http://arxos.io/svgx}"
GRADIENTS = ["LINEAR", "INVCYLINDER", "SPHERICAL", "HEMISPHERICAL", "CURVED"]
VERSIONS = ["R12", "R2000", "R2004", "R2007", "R2010", "R2013", "R2018"]
# ezdxf measures texts by fonts of the machine, and what draws a text in a block with it.
WITHOUT_EXTENTS = {"TEXT", "MTEXT", "ATTRIB", "ATTDEF", "DIMENSION", "RAY", "XLINE", "LEADER",
                   "MULTILEADER"}


def shapes(layout, version, rng, has_endless=True):
    """Every kind of entity that ezdxf writes for a version, at random places."""
    def at(size=1000.0):
        return (rng.uniform(-size, size), rng.uniform(-size, size))

    old = version == "R12"
    mirror = {"extrusion": (0, 0, -1)}
    for _ in range(5):
        layout.add_line(at(), at(), {"color": rng.randrange(1, 250)})
        layout.add_point(at())
        layout.add_circle(at(), rng.uniform(1, 90))
        layout.add_circle(at(), rng.uniform(1, 90), mirror)
        first = 90 * rng.randrange(4)
        layout.add_arc(at(), rng.uniform(1, 90), first, first + 90 * rng.randrange(1, 4))
        layout.add_solid([at(), at(), at(), at()])
        layout.add_trace([at(), at(), at(), at()], mirror)
        layout.add_3dface([at(), at(), at(), at()])
        layout.add_polyline2d([(*at(), 0, 0, 0.0) for _ in range(5)], format="xyseb", close=rng.random() < 0.5)
        layout.add_polyline3d([(*at(), rng.uniform(0, 9)) for _ in range(5)])
    mesh = layout.add_polymesh((4, 3))
    for m in range(4):
        for n in range(3):
            mesh.set_mesh_vertex((m, n), (*at(), 0))
    box = [(0, 0, 0), (70, 0, 0), (70, 50, 0), (0, 50, 0)]
    layout.add_polyface().append_faces([box])
    layout.add_text("a text", height=9).set_placement(at(300), align=TextEntityAlignment.MIDDLE)
    # Half circles whose ends lie on one line: the box of each is known in closed form.
    layout.add_polyline2d([(0, 0, 1.0), (100, 0, -1.0), (300, 0, 0)], format="xyb")
    if old:
        return
    for number in range(5):
        layout.add_lwpolyline([at() for _ in range(6)], close=rng.random() < 0.5)
        layout.add_lwpolyline([(*at(), 2, 2, 0) for _ in range(3)], dxfattribs=mirror)
        layout.add_ellipse(at(), (rng.uniform(10, 90), 0), rng.uniform(0.1, 1))
        layout.add_spline_control_frame([(*at(300), 0) for _ in range(7)])
        layout.add_open_spline([(*at(300), 0) for _ in range(rng.randrange(4, 9))], degree=rng.choice([2, 3]))
        layout.add_rational_spline([(*at(300), 0) for _ in range(6)], [1, 2, 1, 0.5, 1, 1])
        layout.add_mtext("{\\fArial;one}\\Ptwo", {"insert": at(300), "char_height": 5})
        hatch = layout.add_hatch(color=rng.randrange(1, 9))
        hatch.paths.add_polyline_path([at() for _ in range(4)], is_closed=True)
        shaded = layout.add_hatch(color=3)
        shaded.paths.add_polyline_path([at() for _ in range(4)], is_closed=True)
        if version not in ("R2000", "R12"):
            shaded.set_gradient((255, 0, 0), (0, 0, 255), rotation=30, name=GRADIENTS[number])
        edges = layout.add_hatch(color=2)
        edges.set_pattern_fill("ANSI31", scale=3)
        path = edges.paths.add_edge_path()
        x, y = at(300)
        path.add_line((x - 50, y), (x + 50, y))
        path.add_arc((x, y), 50, 0, 180)
    layout.add_lwpolyline([(500, 0, 1.0), (600, 0, 0)], format="xyb")
    if has_endless:
        layout.add_ray(at(), (1, 2))
        layout.add_xline(at(), (1, 0))
    layout.add_leader([at(300) for _ in range(3)])
    leader = layout.add_multileader_mtext("Standard")
    leader.set_content("steel\\Pplate", char_height=5)
    leader.add_leader_line(ConnectionSide.left, [(-100, -50)])
    leader.add_leader_line(ConnectionSide.right, [(150, -50)])
    leader.build(insert=Vec2(50, 30))
    layout.add_mline([at() for _ in range(4)], close=True)
    with layout.add_mesh().edit_data() as data:
        data.vertices = box
        data.faces = [[0, 1, 2, 3]]
    layout.add_wipeout([at(), at()])


def drawing(version, seed, has_endless=True):
    rng = random.Random(seed)
    doc = ezdxf.new(version, setup=True, units=rng.choice([1, 2, 4, 5, 6]))
    for i, kind in enumerate(["CONTINUOUS", "DASHED", "DASHDOT"]):
        doc.layers.add(f"Schicht {i} & ü", color=i + 1, linetype=kind)
    doc.layers.add("frozen").freeze()
    doc.layers.add("off").off()
    block = doc.blocks.new("PART", base_point=(10, 5))
    shapes(block, version, rng, has_endless)
    block.add_attdef("TAG", (0, 0), dxfattribs={"height": 3})
    outer = doc.blocks.new("OUTER")
    outer.add_blockref("PART", (50, 60), {"xscale": 0.5, "yscale": 0.5, "rotation": 90})
    outer.add_line((0, 0), (10, 10), {"layer": "0", "color": 0})
    msp = doc.modelspace()
    shapes(msp, version, rng, has_endless)
    msp.add_blockref("PART", (1500, 0), {"layer": "Schicht 1 & ü"}).add_auto_attribs({"TAG": "A-1"})
    msp.add_blockref("OUTER", (0, 2000), {"xscale": 2, "yscale": -1.5, "rotation": 30})
    msp.add_blockref("OUTER", (0, 5000), {"extrusion": (0, 0, -1), "row_count": 2, "column_count": 3,
                                          "row_spacing": 2500, "column_spacing": 2000})
    msp.add_linear_dim(base=(3, 2), p1=(0, 0), p2=(300, 0)).render()
    msp.add_aligned_dim(p1=(0, 0), p2=(30, 40), distance=5).render()
    if version == "R12":
        doc.paperspace().add_line((0, 0), (1, 1))
        return doc
    # A sheet in millimetres with views, one in inches, and one on which nothing lies.
    paper = doc.layout()
    paper.page_setup(size=(420, 297), margins=(10, 10, 10, 10), units="mm")
    shapes(paper, version, rng, False)
    paper.add_blockref("PART", (50, 60), {"layer": "Schicht 1 & ü"}).add_auto_attribs({"TAG": "P-1"})
    for i in range(3):
        place, part = (70 + 100 * i, 150), (rng.uniform(-900, 900), rng.uniform(-900, 900))
        paper.add_viewport(place, (90, 60), part, rng.choice([60, 300, 3000]))
    paper.add_viewport((200, 50), (90, 60), (0, 0), 300).dxf.view_twist_angle = 30
    inches = doc.layouts.new("Zoll & ü")
    inches.page_setup(size=(11, 8.5), margins=(0.5, 0.5, 0.5, 0.5), units="inch")
    inches.add_text("in inches", height=0.2).set_placement((1, 1))
    inches.add_viewport((5, 4), (6, 4), (0, 0), 400)
    doc.layouts.new("empty")
    return doc


def viewports(doc):
    """What the viewports of each sheet show, as they are placed: scale, and sides in the model."""
    unit = {0: 25.4}
    for layout in doc.layouts:
        mm = unit.get(layout.dxf.get("plot_paper_units", 1), 1.0)
        shown = [v.dxf for v in layout.query("VIEWPORT") if v.dxf.get("id", 0) != 1]
        shown = [v for v in shown if v.get("view_twist_angle", 0) == 0]
        yield [(v.view_height, v.view_height * v.width / v.height, v.height * mm) for v in shown]


def views(document, unit):
    """The same of the sheets of a document; `unit`: user units in one of the file."""
    root = ElementTree.parse(document).getroot()
    for sheet in root.iter(f"{ARX}sheet"):
        found = []
        for view in sheet.iter(f"{ARX}view"):
            _, _, width, height = (float(n) / unit for n in view.get("of").split())
            found.append((height, width, float(view.get("scale").split(":")[1])))
        yield found


def run(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True)


def without_texts(entities):
    """What can be measured, inserts taken apart."""
    for entity in entities:
        if entity.dxftype() == "INSERT":
            for one in entity.multi_insert() if entity.mcount > 1 else [entity]:
                yield from without_texts(one.virtual_entities())
        elif entity.dxftype() not in WITHOUT_EXTENTS:
            yield entity


def compare(program, path, doc, made):
    """Says how the import of a file differs from what ezdxf reads there."""
    out = path.with_suffix(".svgx")
    done = run(program, "import", str(path), "-o", str(out), "--report")
    if done.returncode != 0:
        return [done.stderr.strip()], None
    report, wrong = json.loads(done.stdout), []
    blocks = sum(len(b) for b in doc.blocks if not b.is_any_layout)
    paper = sum(len(layout) for layout in doc.layouts if layout.name != "Model")
    model = list(doc.modelspace())
    for name, counted, wanted in [
        ("model", report["model"]["entities"], len(model)),
        # ezdxf makes blocks for dimensions that have none.
        ("blocks", report["blocks"]["entities"], blocks if made else report["blocks"]["entities"]),
        ("paper", report["paper"], paper),
    ]:
        if counted != wanted:
            wrong.append(f"{name}: {counted} entities, ezdxf has {wanted}")
    for name in ["model", "blocks", "on_paper"]:
        counts = report[name]
        total = sum(counts["drawn"].values()) + sum(counts["not_drawn"].values())
        if total != counts["entities"]:
            wrong.append(f"{name}: {total} drawn and not drawn, of {counts['entities']}")
    if made and report["version"] != "AC1009":
        theirs = [shown for shown in viewports(doc) if shown]
        ours = [shown for shown in views(out, 1.0) if shown]
        sides = [[(h, w) for h, w, _ in shown] for shown in ours]
        wanted = [[(h, w) for h, w, _ in shown] for shown in theirs]
        near = all(abs(a - b) <= 1e-6 * abs(b) for x, y in zip(sides, wanted)
                   for p, q in zip(x, y) for a, b in zip(p, q))
        if not near or [len(x) for x in sides] != [len(x) for x in wanted]:
            wrong.append(f"views {sides}, ezdxf {wanted}")
        mm = {"mm": 1, "cm": 10, "m": 1000, "in": 25.4, "ft": 304.8}[report["unit"]]
        for (_, _, scale), (height, _, on) in zip(sum(ours, []), sum(theirs, [])):
            if not abs(scale - height * mm / on) <= 1e-6 * scale:
                wrong.append(f"a view at 1:{scale}, ezdxf 1:{height * mm / on}")
        if report["sheets"] != 2:
            wrong.append(f"{report['sheets']} sheets")
    kinds = {}
    for entity in model:
        kinds[entity.dxftype()] = kinds.get(entity.dxftype(), 0) + 1
    ours = {}
    for counts in (report["model"]["drawn"], report["model"]["not_drawn"]):
        for kind, count in counts.items():
            ours[kind] = ours.get(kind, 0) + count
    if made and ours != kinds:
        wrong.append(f"kinds: {sorted(set(ours.items()) ^ set(kinds.items()))}")
    if made:
        box = bbox.extents(without_texts(model), fast=False)
        theirs = [box.extmin.x, box.extmin.y, box.extmax.x, box.extmax.y]
        size = max(theirs[2] - theirs[0], theirs[3] - theirs[1])
        far = max(abs(a - b) for a, b in zip(report["extents"], theirs))
        if not far <= 1e-6 * size:
            wrong.append(f"extents {report['extents']}, ezdxf {theirs}: {far / size:.1e} apart")
    checked = run(program, "check", str(out))
    if checked.returncode != 0:
        wrong.append(checked.stdout.strip()[:500] + checked.stderr.strip()[:500])
    return wrong, report


def main(program, named):
    # It tells what it cannot write for a version, and what it mends.
    logging.getLogger("ezdxf").setLevel(logging.CRITICAL)
    failed = total = drawn = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        files = []
        for version in VERSIONS:
            for seed in range(3):
                path = scratch / f"{version}-{seed}.dxf"
                drawing(version, seed).saveas(path)
                files.append((path, path, True))
        for name in named:
            files.append((pathlib.Path(name), scratch / pathlib.Path(name).name, False))
        for source, path, made in files:
            if not made:
                path.write_bytes(source.read_bytes())
            try:
                doc = ezdxf.readfile(source)
            except (IOError, ezdxf.DXFError):
                doc, _ = recover.readfile(source)
            wrong, report = compare(program, path, doc, made)
            for what in wrong:
                failed += 1
                print(f"{source.name}: {what}")
            if report:
                total += report["model"]["entities"]
                drawn += sum(report["model"]["drawn"].values())
    print(f"{len(files)} files, {total} entities of the model, {drawn} drawn, {failed} differences")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
