#!/usr/bin/env bash
# Other people's linters, at pinned versions: dashboard-linter on the dashboards, pint on the rules. Called
# by ./test; exit 77 with a reason where the Go proxy does not give them. Without them the gates of
# `svgx slo check` stand in, which follow the rules of dashboard-linter.
set -uo pipefail
cd "$(dirname "$0")/.."
tools=${SVGX_TEST_TOOLS:-$PWD/target/tools}
linter=github.com/grafana/dashboard-linter@v0.1.1
pint=github.com/cloudflare/pint/cmd/pint@v0.76.1

command -v go >/dev/null || { echo "no Go here to build dashboard-linter and pint with"; exit 77; }
missing=()
for module in "$linter" "$pint"; do
    name=${module%@*}
    [ -x "$tools/bin/${name##*/}" ] ||
        GOBIN=$tools/bin GOFLAGS=-mod=mod go install -trimpath "$module" || missing+=("$module")
done
[ ${#missing[@]} -eq 0 ] || { echo "the Go proxy does not give ${missing[*]}"; exit 77; }

for dashboard in dashboards/*.json; do
    "$tools/bin/dashboard-linter" lint --strict --config dashboards/.lint "$dashboard" || exit 1
done
"$tools/bin/pint" --offline lint alerts/*.rules.yaml || exit 1
