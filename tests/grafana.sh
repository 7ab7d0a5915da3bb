#!/usr/bin/env bash
# Checks the types of every dashboard against Grafana's own package, with tsc.
# Called by ./test; exit 77 with a reason where npm cannot be had.
set -uo pipefail
cd "$(dirname "$0")/.."
sdk=0.0.21 typescript=5.9.3
work=${SVGX_TEST_TOOLS:-target/tools}/grafana-$sdk-$typescript

command -v npm >/dev/null || { echo "no npm here: the dashboards' types are not checked against Grafana's"; exit 77; }
if [ ! -e "$work/installed" ]; then
    mkdir -p "$work" && printf '{"private":true}' >"$work/package.json"
    npm --prefix "$work" install --ignore-scripts --no-audit --no-fund --silent \
        "@grafana/grafana-foundation-sdk@$sdk" "typescript@$typescript" ||
        { echo "npm cannot fetch @grafana/grafana-foundation-sdk here"; exit 77; }
    touch "$work/installed"
fi

status=0
check() { # check FILE.json WANTED: WANTED is pass or fail
    {
        cat tests/grafana.ts
        echo 'export const dashboard = '
        printf '%s satisfies Plain<Dashboard>;\n' "$(cat "$1")"
    } >"$work/dashboard.ts"
    if (cd "$work" && node_modules/.bin/tsc --noEmit --strict --skipLibCheck --module nodenext --moduleResolution nodenext dashboard.ts); then
        found=pass
    else
        found=fail
    fi
    [ "$found" = "$2" ] || { echo "$1: $found, wanted $2"; status=1; }
}
for file in dashboards/*.json; do
    check "$file" pass
done
# The check can fail: a schema version that is text is refused.
sed 's/"schemaVersion": 39/"schemaVersion": "39"/' dashboards/svgx-slo.json >"$work/wrong.json"
check "$work/wrong.json" fail
[ $status -eq 0 ] && echo "5 dashboards have Grafana's types (foundation SDK $sdk)"
exit $status
