#!/usr/bin/env bash
# Holds the recording rules against those that sloth writes from the same objectives: on the same four
# days of samples both must record the same numbers. Not those of the whole period: sloth takes the mean of
# the ratios of its minutes, the spec counts events (alerts/tests/budget-by-events.test.yaml). Called by ./test; exit 77 with a reason where sloth
# or promtool cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v0.16.0
tools=${SVGX_TEST_TOOLS:-$PWD/target/tools}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command -v promtool >/dev/null || { echo "no promtool here: nothing evaluates the two sets of rules"; exit 77; }
sloth=$tools/bin/sloth-$version
if [ ! -x "$sloth" ]; then
    command -v go >/dev/null || { echo "no Go here: sloth $version cannot be built"; exit 77; }
    GOBIN=$work GOFLAGS=-mod=mod go install -trimpath "github.com/slok/sloth/cmd/sloth@$version" ||
        { echo "the Go modules of sloth $version cannot be had here"; exit 77; }
    mkdir -p "$tools/bin" && mv "$work/sloth" "$sloth"
fi

windows="5m 30m 1h 2h 6h 1d 3d"
slos="svgx-ui-latency svgx-redraw-latency svgx-physics-latency svgx-availability svgx-precision-delivered"

# The same objectives in sloth's words: it asks for the bad, the spec mostly names the good.
{
    printf 'version: prometheus/v1\nservice: svgx-engine\nslos:\n'
    for slo in $slos; do
        awk -v slo="$slo" '
            $1 == "good:" || $1 == "bad:" || $1 == "total:" { part = $1 }
            $1 == "query:" { sub(/^ *query: */, ""); query[part] = $0 }
            $1 == "target:" { target = $2 }
            END {
                bad = "bad:" in query ? query["bad:"] : query["total:"] " - " query["good:"]
                printf "  - name: %s\n    objective: %s\n    sli:\n      events:\n", slo, target * 100
                printf "        error_query: %c%s%c\n        total_query: %c%s%c\n", 39, bad, 39, 39, query["total:"], 39
                printf "    alerting: {name: %s, page_alert: {disable: true}, ticket_alert: {disable: true}}\n", slo
            }' "slo/${slo#svgx-}.yaml"
    done
} >"$work/sloth.yaml"
"$sloth" generate -i "$work/sloth.yaml" -o "$work/sloth.rules.yaml" >"$work/sloth.log" 2>&1 || { cat "$work/sloth.log"; exit 1; }
# One group, in its order: promtool starts groups in any order, and a burn rate must follow its ratio.
awk '/^- name:/ { if (seen++) next } /^  rules:/ { if (rules++) next } { print }' "$work/sloth.rules.yaml" >"$work/one.yaml"
mv "$work/one.yaml" "$work/sloth.rules.yaml"
cp alerts/svgx-*.rules.yaml "$work"

# Four days: a good one, a bad one, a quiet one, a middling one; a count jumps back to zero in between.
series() { # series NAME{LABELS} GOOD_DAY BAD_DAY QUIET_DAY MIDDLING_DAY
    printf "      - series: '%s'\n        values: '0+%sx720 0+%sx720 0+%sx720 0+%sx720'\n" "$@"
}
{
    printf 'rule_files: [sloth.rules.yaml'
    for slo in $slos; do printf ', %s.rules.yaml' "$slo"; done
    printf ']\nevaluation_interval: 10m\ntests:\n  - interval: 2m\n    input_series:\n'
    for budget in ui:0.016 redraw:0.032 physics:0.1; do
        labels="job=\"svgx-engine\",svgx_budget_class=\"${budget%:*}\""
        series "svgx_operation_duration_seconds_bucket{$labels,le=\"${budget#*:}\"}" 600 400 1 570
        series "svgx_operation_duration_seconds_count{$labels}" 600 700 1 611
    done
    series 'http_server_request_duration_seconds_count{job="svgx-engine",http_response_status_code="200"}' 900 800 2 850
    series 'http_server_request_duration_seconds_count{job="svgx-engine",http_response_status_code="503"}' 0 100 0 7
    labels='job="svgx-engine",svgx_budget_class="physics"'
    series "svgx_precision_delivered_total{$labels,svgx_tier=\"compute\"}" 50 20 1 45
    series "svgx_precision_delivered_total{$labels,svgx_tier=\"edit\"}" 0 30 0 4
    printf '    promql_expr_test:\n'
    for slo in $slos; do
        rules="slo:objective:ratio slo:error_budget:ratio slo:time_period:days slo:current_burn_rate:ratio"
        for window in $windows; do rules="$rules slo:sli_error:ratio_rate$window"; done
        for rule in $rules; do
            for at in 12h 36h 60h 84h; do
                printf "      - expr: abs(%s{slo=\"%s\"} - on () %s{sloth_slo=\"%s\"}) < bool 2e-7\n" "$rule" "$slo" "$rule" "$slo"
                printf "        eval_time: %s\n        exp_samples: [{labels: '{}', value: 1}]\n" "$at"
            done
        done
    done
} >"$work/same.test.yaml"
(cd "$work" && promtool test rules same.test.yaml) || exit 1
echo "$(grep -c 'expr: abs' "$work/same.test.yaml") values of 5 objectives are those of sloth $version"
