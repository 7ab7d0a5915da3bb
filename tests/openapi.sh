#!/usr/bin/env bash
# The description of the running service, as the tools of the trade see it: valid by two
# validators, read by two generators, and what is written against the clients they make is
# sound in types; the Python client also asks the service.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/service/start.sh

tools=${SVGX_TEST_TOOLS:-$PWD/target/tools}
here=tests/openapi
stamp=$(cat $here/requirements.txt $here/package.json $here/package-lock.json | sha256sum | cut -c 1-16)
python=$tools/openapi-python-$stamp
node=$tools/openapi-node-$stamp
if [ ! -e "$python/installed" ]; then
    { python3 -m venv "$python" && "$python/bin/pip" install --quiet -r $here/requirements.txt && touch "$python/installed"; } ||
        { rm -rf "$python"; echo "the Python tools cannot be had here (Python 3.10 with venv, and PyPI)"; exit 77; }
fi
command -v npm >/dev/null || { echo "no npm here: the tools for OpenAPI cannot be had"; exit 77; }
if [ ! -e "$node/installed" ]; then
    mkdir -p "$node" && cp $here/package.json $here/package-lock.json "$node/"
    { (cd "$node" && npm ci --ignore-scripts --silent --no-audit --no-fund) && touch "$node/installed"; } ||
        { rm -rf "$node"; echo "the tools for OpenAPI cannot be had here (npm)"; exit 77; }
fi
# The generator formats what it wrote with the tools beside it.
export PATH="$python/bin:$node/node_modules/.bin:$PATH"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

key=openapi-0123456789abcdef
start --api-key "test:$key" --rate-limit off --controller shadow
work=$scratch/openapi
mkdir "$work"
curl --silent --show-error --fail "http://$public/openapi.json" >"$work/openapi.json"

openapi-spec-validator "$work/openapi.json"
redocly lint --config $here/redocly.yaml --format=stylish "$work/openapi.json"

openapi-python-client generate --config $here/generator.yaml --path "$work/openapi.json" \
    --output-path "$work/python" --meta none >"$work/generated" 2>&1 || { cat "$work/generated"; exit 1; }
# What the generator leaves out it only warns of. Its own lines are not ours to check.
if grep -q -i "warning\|unable" "$work/generated"; then cat "$work/generated"; exit 1; fi
mkdir "$work/client" && mv "$work/python" "$work/client/svgx_engine_client"
cp $here/client.py "$work/client/"
(cd "$work/client" && mypy --strict --follow-imports=silent client.py)

cp $here/client.ts "$node/client.ts"
openapi-typescript "$work/openapi.json" --default-non-nullable=false --output "$node/engine.d.ts"
(cd "$node" && tsc --strict --noEmit --target es2022 --module nodenext --moduleResolution nodenext client.ts)

cp clients/typescript/generate.mjs "$node/generate.mjs"
(cd "$node" && node generate.mjs "$work/openapi.json" "$work/api.ts")
cmp clients/typescript/src/api.ts "$work/api.ts" || {
    echo "clients/typescript/src/api.ts is not what the service describes: npm run generate there"
    [ "${UPDATE_DOCS:-}" != 1 ] || { cp "$work/api.ts" clients/typescript/src/api.ts; echo "written"; exit 0; }
    exit 1
}

# The drawing of the examples.
python3 - "$work/openapi.json" >"$work/drawing.svgx" <<'PYTHON'
import json, sys
with open(sys.argv[1]) as file:
    document = json.load(file)
print(document["paths"]["/parse"]["post"]["requestBody"]["content"]["image/svg+xml"]["example"])
PYTHON
(cd "$work/client" && python client.py "http://$public" "$key" "$work/drawing.svgx")
