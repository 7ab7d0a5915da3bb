"""Puts documents on paper by svgx, and asks other readers what is on the page."""

import io
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import pdfplumber
import pikepdf
import pypdfium2
from PIL import Image

# Of a picture 1000 pixels wide. Edges are smoothed otherwise, so what counts is clearly another
# colour; what is nowhere near in the other picture is told as well.
WIDE, CLEARLY, SHARE = 1000, 64, 0.01

MADE = {
    "text": (
        'viewBox="0 0 200 100"',
        '<text x="20" y="30" font-size="12">Küche 12.5 m²</text>'
        '<text transform="translate(100 80) rotate(-90)" font-size="8">turned</text>'
        '<text x="20" y="60" font-size="10" text-anchor="start" font-weight="bold">AV fi</text>',
        [("Küche 12.5 m²", 20, 30), ("AV fi", 20, 60)],
    ),
    "ink": (
        'viewBox="0 0 200 100"',
        '<rect width="200" height="100" fill="#eef"/>'
        '<g opacity="0.5"><rect x="10" y="10" width="60" height="60" fill="red"/>'
        '<rect x="40" y="40" width="60" height="50" fill="blue"/></g>'
        '<circle cx="150" cy="50" r="30" fill="green" fill-opacity="0.4" stroke="black" stroke-width="8" stroke-opacity="0.5"/>'
        '<path d="M10 95H190" stroke="#e8590c" stroke-width="3" stroke-dasharray="9 4" stroke-dashoffset="3" stroke-linecap="round"/>'
        '<path transform="scale(3 1)" d="M40 10L60 30L40 50" fill="none" stroke="purple" stroke-width="2" stroke-linejoin="bevel"/>',
        [],
    ),
    "clip": (
        'viewBox="0 0 200 100"',
        '<clipPath id="c"><circle cx="50" cy="50" r="40"/></clipPath>'
        '<clipPath id="d" clip-path="url(#c)"><rect x="30" y="0" width="100" height="60"/></clipPath>'
        '<rect width="200" height="100" fill="orange" clip-path="url(#c)"/>'
        '<rect width="200" height="100" fill="teal" clip-path="url(#d)"/>'
        '<path d="M110 10h80v80h-80zM130 30h40v40h-40z" fill-rule="evenodd" fill="navy"/>',
        [],
    ),
    "layers": (
        'viewBox="0 0 40 30" arx:units="m"',
        '<g arx:layer="walls" stroke="black" stroke-width="0.2"><path d="M1 1H39V29H1Z" fill="none"/></g>'
        '<g arx:layer="doors"><path d="M9 1v4" stroke="red" stroke-width="0.1"/><text x="12" y="9" font-size="2">door</text></g>'
        '<use href="#s" x="20" y="10"/><defs><g id="s"><rect width="5" height="5" arx:layer="doors"/></g></defs>',
        [("door", 12, 9)],
    ),
}


def run(program, *args):
    return subprocess.run([program, *args], capture_output=True)


def apart(one, other):
    """The share of pixels that are clearly another colour than at their place in the other picture,
    and than all of their neighbours there, in either direction."""
    def missing(a, b):
        best = numpy.full(a.shape[:2], 255, dtype=numpy.int32)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                moved = numpy.roll(b, (dy, dx), axis=(0, 1))
                best = numpy.minimum(best, numpy.abs(a - moved).max(axis=2))
        return best > CLEARLY

    there = numpy.abs(one - other).max(axis=2) > CLEARLY
    return float(there.mean()), float((missing(one, other) | missing(other, one)).mean())


def pixels(program, document, pdf, sheets):
    # Where a drawing has sheets, those are the pages, with letters that are small on them.
    sheet, wide = (["--sheet", sheets[0]], 3 * WIDE) if sheets else ([], WIDE)
    shown = run(program, "--quiet", "render", str(document), *sheet, "--width", str(wide), "--background", "white")
    if shown.returncode != 0:
        return None
    ours = Image.open(io.BytesIO(shown.stdout)).convert("RGB")
    page = pypdfium2.PdfDocument(str(pdf))[0]
    theirs = page.render(scale=wide / page.get_width()).to_pil().convert("RGB").resize(ours.size)
    return apart(numpy.asarray(ours, dtype=numpy.int32), numpy.asarray(theirs, dtype=numpy.int32))


def told(share):
    if share is None:
        return "no picture"
    place, near = (round(part * 100, 3) for part in share)
    return f"{place} % of the pixels differ, {near} % from all around"


def look(program, document, scratch, expected, mm_per_unit):
    pdf = scratch / f"{document.stem}.pdf"
    done = run(program, "export", str(document), "-o", str(pdf), "--report")
    if done.returncode != 0:
        return [done.stderr.decode()[-400:]], None, {}
    report, wrong = json.loads(done.stdout), []
    with pikepdf.open(pdf) as file:
        wrong += [f"qpdf: {problem}" for problem in file.check_pdf_syntax()]
        unit = float(file.pages[0].get("/UserUnit", 1))
        box = [float(n) * unit * 25.4 / 72 for n in file.pages[0].MediaBox][2:]
        if max(abs(a - b) for a, b in zip(box, report["page"])) > 1e-3 * max(1, unit):
            wrong.append(f"the page is {box} mm, told {report['page']}")
        layers = [str(group.Name) for group in file.Root.get("/OCProperties", {}).get("/OCGs", [])]
        if layers != report["layers"]:
            wrong.append(f"layers {layers}, told {report['layers']}")
    share = pixels(program, document, pdf, report["sheets"])
    if share is None or not share[0] <= SHARE:
        wrong.append(f"{share} of the pixels differ")
    with pdfplumber.open(pdf) as file:
        page = file.pages[0]
        chars = page.chars
        letters = sum(1 for char in chars if char["text"].strip())
        if report["letters"] and not letters:
            wrong.append(f"{report['letters']} letters told, none are found")
        text = page.extract_text()
        for wanted, x, y in expected:
            point = mm_per_unit * 72 / 25.4 / unit
            found = page.search(wanted, regex=False)
            if not found:
                wrong.append(f"{wanted!r} is not in {text!r}")
                continue
            first = found[0]["chars"][0]
            # The origin of the first letter, y from the bottom of the page.
            at = (first["matrix"][4] / point, (float(page.height) - first["matrix"][5]) / point)
            if max(abs(at[0] - x), abs(at[1] - y)) > 0.01:
                wrong.append(f"{wanted!r} stands at {at}, not at {(x, y)}")
    return wrong, share, report


def main(program, named):
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        documents = []
        for name, (attributes, inside, expected) in MADE.items():
            path = scratch / f"{name}.svgx"
            path.write_text(
                f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" {attributes}>{inside}</svg>'
            )
            documents.append((path, expected, 1000.0 if "arx:units" in attributes else 1.0))
        documents += [(pathlib.Path(name), [], 1.0) for name in named]
        for document, expected, mm in documents:
            wrong, share, report = look(program, document, scratch, expected, mm)
            notes = ", ".join(f"{note['code']} {note['count']}" for note in report.get("notes", []))
            print(f"{document.name}: {told(share)}; {notes or 'nothing left out'}")
            for what in wrong:
                failed += 1
                print(f"{document.name}: {what}")
        # A sheet at a scale: a metre of the drawing is twenty millimetres long.
        pdf = scratch / "sheet.pdf"
        done = run(program, "export", str(scratch / "layers.svgx"), "--scale", "1:200", "--size", "A3", "-o", str(pdf))
        with pdfplumber.open(pdf) as file:
            page = file.pages[0]
            # From end to end of the wall that is 38 m long.
            xs = [x for shape in page.rects + page.curves + page.lines for x in (shape["x0"], shape["x1"])]
            long = (max(xs) - min(xs)) * 25.4 / 72
            if done.returncode or abs(long - 190) > 0.01 or round(float(page.width) * 25.4 / 72) != 420:
                failed += 1
                print(f"on A3 at 1:200 the wall is {long} mm long, the page {float(page.width) * 25.4 / 72} mm")
    print(f"{len(documents)} documents, {failed} differences")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
