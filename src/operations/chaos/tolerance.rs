//! Whether the output of a probe is as expected: the forms that Chaos Toolkit knows, but for
//! JSONPath and probes of probes.

use regex::Regex;
use serde_json::{Map, Value};

use super::experiment::substituted;

/// Whether a tolerance is of a form that is known here.
pub(super) fn understood(tolerance: &Value) -> Result<(), String> {
    match tolerance {
        Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(n) if n.is_i64() => Ok(()),
        Value::Number(_) => Err("a tolerance that is no whole number: use a range".to_owned()),
        Value::Array(_) => Ok(()),
        Value::Object(form) => match form.get("type").and_then(Value::as_str) {
            Some("regex") => {
                let pattern = form.get("pattern").and_then(Value::as_str).unwrap_or_default();
                // What is put in is known only in a run.
                if pattern.contains("${") {
                    return Ok(());
                }
                Regex::new(pattern).map(|_| ()).map_err(|e| format!("tolerance: {e}"))
            }
            Some("range") => range(form).map(|_| ()),
            other => {
                Err(format!("a tolerance of type {} is not known here", other.unwrap_or("none")))
            }
        },
        Value::Null => Err("an empty tolerance".to_owned()),
    }
}

fn range(form: &Map<String, Value>) -> Result<(f64, f64), String> {
    match form.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        Some([least, most]) => least.as_f64().zip(most.as_f64()).ok_or(()),
        _ => Err(()),
    }
    .map_err(|()| "a range has two numbers".to_owned())
}

/// Whether `output` is within `tolerance`; the error says what was expected and seen.
pub(super) fn within(
    tolerance: &Value,
    output: &Value,
    values: &Map<String, Value>,
) -> Result<(), String> {
    let status = output.get("status");
    let held = match tolerance {
        Value::Array(all) => match (status, all.as_slice()) {
            (Some(status), all) => all.contains(status),
            (None, [least, most]) if least.is_number() && most.is_number() => {
                let within = |v: f64| least.as_f64() <= Some(v) && Some(v) <= most.as_f64();
                output.as_f64().is_some_and(within)
            }
            (None, all) => all.contains(output),
        },
        Value::Number(_) => status.unwrap_or(output) == tolerance,
        Value::Object(form) => {
            let target = form.get("target").and_then(Value::as_str);
            let seen = target.and_then(|t| output.get(t)).unwrap_or(output);
            let text = seen.as_str().map_or_else(|| seen.to_string(), str::to_owned);
            if form.contains_key("range") {
                let (least, most) = range(form)?;
                text.trim().parse::<f64>().is_ok_and(|v| (least..=most).contains(&v))
            } else {
                let pattern = form.get("pattern").and_then(Value::as_str).unwrap_or_default();
                let pattern = Regex::new(&substituted(pattern, values));
                pattern.map_err(|e| e.to_string())?.is_match(&text)
            }
        }
        expected => expected == output,
    };
    if held {
        return Ok(());
    }
    let seen: String = output.to_string().chars().take(300).collect();
    Err(format!("expected {tolerance}, seen {seen}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_output_is_within_its_tolerance_or_not() {
        let page = json!({"status": 200, "body": "a 1\nb 2\n"});
        let said = json!({"status": 0, "stdout": " 7\n"});
        for (tolerance, output, held) in [
            (json!(true), json!(true), true),
            (json!(true), json!("true"), false),
            (json!(200), page.clone(), true),
            (json!(204), page.clone(), false),
            (json!(5), json!(5), true),
            (json!([200, 503]), page.clone(), true),
            (json!([1, 3]), json!(2), true),
            (json!([1, 3]), json!(4), false),
            (json!("x"), json!("x"), true),
            (
                json!({"type": "regex", "pattern": "(?m)^b ${n}$", "target": "body"}),
                page.clone(),
                true,
            ),
            (json!({"type": "regex", "pattern": "^b", "target": "body"}), page, false),
            (json!({"type": "range", "range": [5, 9], "target": "stdout"}), said.clone(), true),
            (json!({"type": "range", "range": [8, 9], "target": "stdout"}), said, false),
        ] {
            assert_eq!(understood(&tolerance), Ok(()), "{tolerance}");
            let values = Map::from_iter([("n".to_owned(), json!(2))]);
            assert_eq!(within(&tolerance, &output, &values).is_ok(), held, "{tolerance} {output}");
        }
    }
}
