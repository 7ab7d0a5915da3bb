//! Grafana's classic dashboard JSON, schema 39: what Grafana 11, 12 and 13 read.
//!
//! The same dashboard is always the same text: no timestamps, no random ids.

use serde_json::{Value, json};

use super::model::{Colour, ColourFrom, Dashboard, GridPosition, Panel, Target, Unit, View};
use crate::NOTICE;

/// The data source that the viewer chose.
fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// The dashboard as text.
pub(super) fn text(dashboard: &Dashboard, others: &[(&str, &str)]) -> String {
    let mut id = 0;
    let mut panels = Vec::new();
    for placed in dashboard.layout() {
        id += 1;
        panels.push(json!({
            "collapsed": false,
            "gridPos": place(placed.heading),
            "id": id,
            "panels": [],
            "title": placed.row.title,
            "type": "row",
        }));
        for (p, at) in placed.panels {
            id += 1;
            panels.push(panel(p, at, id));
        }
    }
    let links: Vec<Value> = others
        .iter()
        .filter(|(uid, _)| *uid != dashboard.uid)
        .map(|(uid, title)| {
            json!({
                "asDropdown": false,
                "icon": "dashboard",
                "includeVars": true,
                "keepTime": true,
                "tags": [],
                "targetBlank": false,
                "title": title,
                "tooltip": "",
                "type": "link",
                "url": format!("/d/{uid}"),
            })
        })
        .collect();
    let value = json!({
        "annotations": {"list": annotations()},
        "description": format!("{} {NOTICE}", dashboard.description),
        "editable": false,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": null,
        "links": links,
        "panels": panels,
        "refresh": "10s",
        "schemaVersion": 39,
        "tags": ["svgx"],
        "templating": {"list": variables(dashboard)},
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": dashboard.title,
        "uid": dashboard.uid,
        "version": 1,
        "weekStart": "",
    });
    format!("{value:#}\n")
}

fn place(at: GridPosition) -> Value {
    json!({"h": at.h, "w": at.w, "x": at.x, "y": at.y})
}

/// What is marked on every panel: alerts, and versions that were not there before.
fn annotations() -> Value {
    let mark = |name: &str, colour: &str, expr: &str, title: &str, text: &str| {
        json!({
            "datasource": source(),
            "enable": true,
            "expr": expr,
            "hide": false,
            "iconColor": colour,
            "name": name,
            "step": "10s",
            "tagKeys": "slo,severity",
            "textFormat": text,
            "titleFormat": title,
            "useValueForTime": false,
        })
    };
    json!([
        mark("Alerts", "red", super::ALERTS_MARK, "{{alertname}}", "{{severity}}, {{slo}}"),
        mark(
            "Deployments",
            "blue",
            super::DEPLOYMENTS_MARK,
            "Version {{service_version}}",
            "first seen"
        ),
    ])
}

fn variables(dashboard: &Dashboard) -> Vec<Value> {
    let query = |name: &str, label: &str, query: &str| {
        json!({
            "allValue": ".+",
            "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
            "datasource": source(),
            "definition": query,
            "hide": 0,
            "includeAll": true,
            "label": label,
            "multi": true,
            "name": name,
            "options": [],
            "query": {"qryType": 1, "query": query, "refId": format!("variable-{name}")},
            "refresh": 2,
            "regex": "",
            "skipUrlSync": false,
            "sort": 1,
            "type": "query",
        })
    };
    let mut all = vec![
        json!({
            "current": {"selected": false, "text": "Prometheus", "value": "prometheus"},
            "hide": 0,
            "includeAll": false,
            "label": "Data source",
            "multi": false,
            "name": "datasource",
            "options": [],
            "query": "prometheus",
            "refresh": 1,
            "regex": "",
            "skipUrlSync": false,
            "type": "datasource",
        }),
        query("job", "Job", super::JOB_QUERY),
        query("instance", "Instance", super::INSTANCE_QUERY),
    ];
    all.extend(dashboard.variables.iter().map(|v| query(v.name, v.label, &v.query)));
    all
}

fn panel(panel: &Panel, at: GridPosition, id: u32) -> Value {
    let mut value = json!({
        "datasource": source(),
        "description": panel.description,
        "fieldConfig": {"defaults": defaults(panel), "overrides": overrides(panel)},
        "gridPos": place(at),
        "id": id,
        "options": options(panel),
        "targets": targets(panel),
        "title": panel.title,
        "type": kind(&panel.view),
    });
    if let View::Table { .. } = panel.view
        && let Some(object) = value.as_object_mut()
    {
        let hidden = json!({"Time": true, "Value": true, "__name__": true});
        object.insert(
            "transformations".to_owned(),
            json!([{"id": "organize", "options": {"excludeByName": hidden}}]),
        );
    }
    value
}

fn kind(view: &View) -> &'static str {
    match view {
        View::Lines | View::Stack => "timeseries",
        View::Stat => "stat",
        View::Heatmap => "heatmap",
        View::Timeline(_) => "state-timeline",
        View::Table { .. } => "table",
        View::Text(_) => "text",
    }
}

fn thresholds(steps: &[ColourFrom]) -> Value {
    let steps: Vec<Value> =
        steps.iter().map(|s| json!({"color": s.colour.name(), "value": s.from})).collect();
    json!({"mode": "absolute", "steps": steps})
}

fn defaults(panel: &Panel) -> Value {
    let mut defaults = json!({
        "color": {"mode": if panel.view == View::Stat { "thresholds" } else { "palette-classic" }},
        "custom": custom(panel),
        "mappings": mappings(&panel.view),
        "thresholds": thresholds(&panel.steps),
        "unit": panel.unit.id(),
    });
    if let (Some(min), Some(object)) = (panel.min, defaults.as_object_mut()) {
        object.insert("min".to_owned(), json!(min));
    }
    defaults
}

fn custom(panel: &Panel) -> Value {
    let line = panel.steps.iter().any(|s| s.from.is_some());
    match panel.view {
        View::Lines | View::Stack => {
            let stack = panel.view == View::Stack;
            let mut custom = json!({
                "axisPlacement": "auto",
                "drawStyle": "line",
                "fillOpacity": if stack { 40 } else { 0 },
                "lineInterpolation": "linear",
                "lineWidth": 1,
                "showPoints": "auto",
                "spanNulls": false,
                "stacking": {"group": "A", "mode": if stack { "normal" } else { "none" }},
                "thresholdsStyle": {"mode": if line { "line" } else { "off" }},
            });
            if let (Some(max), Some(object)) = (panel.soft_max, custom.as_object_mut()) {
                object.insert("axisSoftMax".to_owned(), json!(max));
            }
            custom
        }
        View::Timeline(_) => json!({"fillOpacity": 80, "lineWidth": 0, "spanNulls": false}),
        View::Table { .. } => {
            json!({"align": "left", "cellOptions": {"type": "auto"}, "inspect": false})
        }
        View::Stat | View::Heatmap | View::Text(_) => json!({}),
    }
}

fn mappings(view: &View) -> Value {
    let View::Timeline(states) = view else { return json!([]) };
    let options: serde_json::Map<String, Value> = states
        .iter()
        .enumerate()
        .map(|(index, (value, text, colour))| {
            let shown = json!({"color": colour.name(), "index": index, "text": text});
            (value.to_string(), shown)
        })
        .collect();
    json!([{"options": options, "type": "value"}])
}

fn overrides(panel: &Panel) -> Value {
    let View::Table { column, link } = &panel.view else { return json!([]) };
    json!([{
        "matcher": {"id": "byName", "options": column},
        "properties": [{
            "id": "links",
            "value": [{"targetBlank": true, "title": "Runbook", "url": link}],
        }],
    }])
}

fn options(panel: &Panel) -> Value {
    match &panel.view {
        View::Lines | View::Stack => json!({
            "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        View::Stat => json!({
            "colorMode": "value",
            "graphMode": if panel.unit == Unit::Date { "none" } else { "area" },
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            "textMode": "auto",
            "wideLayout": true,
        }),
        View::Heatmap => json!({
            "calculate": false,
            "cellGap": 1,
            "color": {"exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": false, "scale": "exponential", "scheme": "Oranges", "steps": 64},
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": true},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "showColorScale": false, "yHistogram": false},
            "yAxis": {"axisPlacement": "left", "reverse": false, "unit": panel.unit.id()},
        }),
        View::Timeline(_) => json!({
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
            "mergeValues": true,
            "rowHeight": 0.8,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        }),
        View::Table { .. } => json!({"cellHeight": "sm", "showHeader": true}),
        View::Text(content) => json!({"content": content, "mode": "markdown"}),
    }
}

fn targets(panel: &Panel) -> Vec<Value> {
    panel.targets.iter().zip('A'..='Z').map(|(t, id)| target(panel, t, id)).collect()
}

fn target(panel: &Panel, target: &Target, id: char) -> Value {
    let instant = matches!(panel.view, View::Table { .. });
    let format = match panel.view {
        View::Heatmap => "heatmap",
        View::Table { .. } => "table",
        _ => "time_series",
    };
    json!({
        "datasource": source(),
        "editorMode": "code",
        "exemplar": target.exemplars,
        "expr": target.expr,
        "format": format,
        "instant": instant,
        "legendFormat": target.legend,
        "range": !instant,
        "refId": id,
    })
}

impl Colour {
    /// For drawing without Grafana.
    pub(crate) const fn hex(self) -> &'static str {
        match self {
            Colour::Green => "#3f9142",
            Colour::Yellow => "#c98a00",
            Colour::Red => "#c8323c",
            Colour::Blue => "#3274d9",
        }
    }
}
