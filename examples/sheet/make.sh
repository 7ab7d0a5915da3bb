#!/bin/sh
# Makes what stands beside the drawing. SVGX: the program, the one of the debug build without.
set -eu
cd "$(dirname "$0")"
svgx=${SVGX:-../../target/debug/svgx}
"$svgx" export ground-floor.svgx -o ground-floor.dxf
"$svgx" export ground-floor.svgx -o ground-floor.pdf
"$svgx" render ground-floor.svgx --sheet A-101 --scale 1.2 --background white -o ground-floor.png
