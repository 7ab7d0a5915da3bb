"""Judges booleans and parallels that come as JSON lines: by GEOS (Shapely), in micrometres.

Regions of rings that cross themselves are built here from the faces of their noded edges, each counted by
how often the ring goes round a point in it. Parallels are compared with `buffer` of outlines in coarse
chords: of fine ones GEOS' own areas are wrong by up to a tenth.
"""

import json
import sys

from shapely import Polygon, LinearRing, LineString, unary_union
from shapely.ops import polygonize
from shapely.validation import explain_validity


def winding(ring, x, y):
    turns = 0
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
        if (ay > y) != (by > y) and ax + (y - ay) / (by - ay) * (bx - ax) > x:
            turns += 1 if by > ay else -1
    return turns


def faces(ring, even_odd):
    edges = [LineString([a, b]) for a, b in zip(ring, ring[1:] + ring[:1]) if a != b]
    kept = []
    for face in polygonize(unary_union(edges)):
        at = face.representative_point()
        turns = winding(ring, at.x, at.y)
        if (turns % 2 if even_odd else turns):
            kept.append(face)
    return unary_union(kept)


def region(parts):
    for outer, holes in parts:
        part = Polygon(outer, holes)
        if not part.is_valid:
            raise AssertionError(explain_validity(part))
    return unary_union([Polygon(outer, holes) for outer, holes in parts])


def main():
    counts = {"boolean": 0, "offset": 0}
    worst = {"boolean": 0.0, "offset": 0.0}
    bad = []
    for number, line in enumerate(sys.stdin):
        case = json.loads(line)
        kind = case["kind"]
        counts[kind] += 1
        try:
            if kind == "boolean":
                a, b, made = region(case["a"]), region(case["b"]), region(case["made"])
                straight = all(float(x).is_integer() and float(y).is_integer() for x, y in case["one"] + case["two"])
                length = a.length + b.length + 1000
                if straight:
                    for ring, ours in ((case["one"], a), (case["two"], b)):
                        off = faces(ring, case["even_odd"]).symmetric_difference(ours).area
                        if off > 2.0 * length:
                            bad.append(f"line {number}: a region is {off} um2 off")
                judged = getattr(a, case["operation"])(b)
                # Crossings are rounded to a micrometre; chords of arcs stand for both sides.
                slack = (2.0 if straight else 8.0) * length
                off = judged.symmetric_difference(made).area
                worst[kind] = max(worst[kind], off / length)
                if off > slack:
                    bad.append(f"line {number}: {case['operation']} is {off} um2 off, of {slack}")
            else:
                ring = LinearRing(case["one"]).simplify(200.0)
                judged = Polygon(ring).buffer(case["distance"], quad_segs=24).area
                off = abs(judged - case["area"]) / max(judged, 1e8)
                worst[kind] = max(worst[kind], off)
                if off > 1e-2:
                    bad.append(f"line {number}: offset {case['distance']}: {case['area']}, GEOS has {judged}")
        except AssertionError as error:
            bad.append(f"line {number}: {error}")
    for line in bad[:20]:
        print(line)
    print(f"{counts['boolean']} booleans, worst {worst['boolean']:.3f} um; {counts['offset']} parallels, worst {worst['offset']:.2e}; {len(bad)} wrong")
    if bad or not counts["boolean"] or not counts["offset"]:
        sys.exit(1)


main()
