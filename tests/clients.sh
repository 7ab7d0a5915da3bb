#!/usr/bin/env bash
# The TypeScript client against a running engine, and the console: types, its built script, and two
# people in headless Chromium. Called by ./test; exit 77 with a reason where npm or Chromium cannot be had.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/chromium/install.sh
chromium "the console is not opened" fonts-liberation
tools=${SVGX_TEST_TOOLS:-$PWD/target/tools}
stamp=$(cat clients/*/package-lock.json | sha256sum | cut -c 1-16)
here=$tools/clients-$stamp
if [ ! -e "$here/installed" ]; then
    for part in typescript console; do
        mkdir -p "$here/$part" && cp clients/$part/package.json clients/$part/package-lock.json "$here/$part/" &&
            npm --prefix "$here/$part" ci --ignore-scripts --no-audit --no-fund --silent ||
            { rm -rf "$here"; echo "npm cannot fetch what the clients are built with"; exit 77; }
    done
    touch "$here/installed"
fi
# Beside the sources, where their tools look for them; nothing is written into the checkout.
copy=$here/copy
rm -rf "$copy" && mkdir -p "$copy/src/server/pages" && cp -r clients "$copy/"
for part in typescript console; do
    rm -rf "$copy/clients/$part/node_modules" && ln -s "$here/$part/node_modules" "$copy/clients/$part/node_modules"
    (cd "$copy/clients/$part" && npm run --silent check) || exit 1
done
(cd "$copy/clients/console" && npm run --silent build) || exit 1
cmp src/server/pages/console.js "$copy/src/server/pages/console.js" ||
    { echo "src/server/pages/console.js is not what clients/console builds: npm run build there"; exit 1; }

cargo build --quiet --workspace --bin svgx || exit 1
program=$(realpath "${CARGO_TARGET_DIR:-target}/debug/svgx")
(cd "$copy/clients/typescript" && SVGX=$program npm test --silent) || exit 1
cp tests/console.mjs tests/engine.mjs "$work/"
pictures=${CARGO_TARGET_DIR:-target}/pages
mkdir -p "$pictures"
exec node "$work/console.mjs" "$program" "$pictures"
