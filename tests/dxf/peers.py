"""Makes a file of 10 000 entities by ezdxf, and prints how long ezdxf takes to load and to save it.

Usage: peers.py OUT.dxf [VERSION]. JSON: milliseconds of the processor, the best of three.
"""

import io
import json
import logging
import random
import sys
import time

import ezdxf

ENTITIES = 10_000
DIMENSIONS = 1_000


def made(version):
    rng = random.Random(7)
    doc = ezdxf.new(version, setup=True, units=4)
    for i in range(12):
        doc.layers.add(f"layer {i}", color=i + 1)
    block = doc.blocks.new("door")
    block.add_lwpolyline([(0, 0), (900, 0), (900, 40), (0, 40)], close=True)
    block.add_arc((0, 0), 900, 0, 90)
    msp = doc.modelspace()

    def at():
        return (rng.uniform(0, 60_000), rng.uniform(0, 40_000))

    for i in range(ENTITIES):
        attributes = {"layer": f"layer {i % 12}"}
        match i % 10:
            case 0 | 1 | 2:
                msp.add_line(at(), at(), attributes)
            case 3 | 4:
                msp.add_lwpolyline([(*at(), rng.uniform(-1, 1)) for _ in range(6)], "xyb", dxfattribs=attributes)
            case 5:
                msp.add_arc(at(), rng.uniform(50, 900), 0, 90, dxfattribs=attributes)
            case 6:
                msp.add_circle(at(), rng.uniform(50, 900), attributes)
            case 7:
                msp.add_text(f"room {i}", height=200, dxfattribs=attributes).set_placement(at())
            case 8:
                msp.add_blockref("door", at(), {**attributes, "rotation": rng.uniform(0, 360)})
            case _:
                hatch = msp.add_hatch(color=i % 255 + 1, dxfattribs=attributes)
                hatch.paths.add_polyline_path([at() for _ in range(4)], is_closed=True)
    return doc


def best(work):
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1e3)
    return min(times)


def dimensioned():
    """Draws 1 000 linear dimensions, each with its block."""
    doc = ezdxf.new("R2000", setup=True, units=4)
    msp = doc.modelspace()
    for i in range(DIMENSIONS):
        x, y = i % 40 * 300, i // 40 * 200
        msp.add_linear_dim(base=(x, y + 60), p1=(x, y), p2=(x + 100 + i, y), dimstyle="EZDXF").render()


def main(path, version="R2018"):
    logging.getLogger("ezdxf").setLevel(logging.CRITICAL)
    made(version).saveas(path)
    load = best(lambda: ezdxf.readfile(path))
    doc = ezdxf.readfile(path)
    save = best(lambda: doc.write(io.StringIO()))
    dimensions = best(dimensioned)
    print(json.dumps({"entities": ENTITIES, "load_ms": load, "save_ms": save, "dimensions_ms": dimensions}))


if __name__ == "__main__":
    main(*sys.argv[1:])
