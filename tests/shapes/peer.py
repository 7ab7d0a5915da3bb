"""The same work by GEOS (Shapely), for `benches/shapes.rs`: JSON in, milliseconds of the processor and areas out."""

import json
import sys
import time

import shapely


def best(work, rounds=3):
    least, answer = None, None
    for _ in range(rounds):
        start = time.process_time()
        answer = work()
        spent = (time.process_time() - start) * 1e3
        least = spent if least is None else min(least, spent)
    return least, answer


def main():
    asked = json.load(sys.stdin)
    shapes = [shapely.Polygon(ring) for ring in asked["shapes"]]
    union, whole = best(lambda: shapely.union_all(shapes))
    pairs = list(zip(shapes[0::2], shapes[1::2]))
    both, common = best(lambda: [a.intersection(b) for a, b in pairs])
    bent = [shapely.Polygon(ring) for ring in asked["bent"]]
    work = list(zip(bent, asked["distances"]))
    offsets, grown = best(lambda: [shape.buffer(d, quad_segs=16) for shape, d in work])
    print(json.dumps({
        "union": {"ms": union, "area": whole.area},
        "pairs": {"ms": both, "area": sum(shape.area for shape in common)},
        "offsets": {"ms": offsets, "area": sum(shape.area for shape in grown)},
        "version": f"Shapely {shapely.__version__}, GEOS {shapely.geos_version_string}",
    }))


main()
