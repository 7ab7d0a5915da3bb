//! Takes a change back, or makes it again, in something that others have changed meanwhile.

use serde_json::Value;

use crate::ActiveConstraint;

/// `now` with what went from `from` to `to` done to it, as far as `now` still has what `from`
/// has there. Objects are looked at member by member, lists of one length place by place; all
/// else is one value.
pub(crate) fn change(now: &Value, from: &Value, to: &Value) -> Value {
    if now == from {
        return to.clone();
    }
    match (now, from, to) {
        (Value::Object(now), Value::Object(from), Value::Object(to)) => {
            let mut merged = now.clone();
            let names = from.keys().chain(to.keys().filter(|name| !from.contains_key(*name)));
            for name in names {
                match (now.get(name), from.get(name), to.get(name)) {
                    (_, from, to) if from == to => {}
                    (Some(now), Some(from), Some(to)) => {
                        merged.insert(name.clone(), change(now, from, to));
                    }
                    (None, None, Some(to)) => drop(merged.insert(name.clone(), to.clone())),
                    (now, from @ Some(_), None) if now == from => drop(merged.shift_remove(name)),
                    _ => {}
                }
            }
            Value::Object(merged)
        }
        (Value::Array(now), Value::Array(from), Value::Array(to))
            if now.len() == from.len() && from.len() == to.len() =>
        {
            let parts = now.iter().zip(from).zip(to);
            Value::Array(parts.map(|((now, from), to)| change(now, from, to)).collect())
        }
        _ => now.clone(),
    }
}

/// The same for active constraints, which are a set with an order.
pub(crate) fn constraints(
    now: &[ActiveConstraint],
    from: &[ActiveConstraint],
    to: &[ActiveConstraint],
) -> Vec<ActiveConstraint> {
    if now == from {
        return to.to_vec();
    }
    let went = |c: &&ActiveConstraint| !from.contains(c) || to.contains(c);
    let mut merged: Vec<ActiveConstraint> = now.iter().filter(went).cloned().collect();
    for constraint in to.iter().filter(|c| !from.contains(c)) {
        if !merged.contains(constraint) {
            merged.push(constraint.clone());
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_still_as_it_was_left_is_taken_back() {
        for (now, from, to, expected) in [
            (json!({"a": 2}), json!({"a": 2}), json!({"a": 1}), json!({"a": 1})),
            (
                json!({"a": 2, "b": 9}),
                json!({"a": 2, "b": 5}),
                json!({"a": 1, "b": 4}),
                json!({"a": 1, "b": 9}),
            ),
            (json!({"a": 2, "c": 1}), json!({"a": 2}), json!({}), json!({"c": 1})),
            (json!({"c": 1}), json!({}), json!({"a": 1}), json!({"c": 1, "a": 1})),
            (json!([1, 7, 3]), json!([1, 2, 3]), json!([0, 1, 2]), json!([0, 7, 2])),
            (json!([1, 2, 3, 4]), json!([1, 2, 3]), json!([0]), json!([1, 2, 3, 4])),
        ] {
            assert_eq!(change(&now, &from, &to), expected, "{now} {from} {to}");
        }
    }

    #[test]
    fn constraints_of_others_stay() {
        let c =
            |kind: &str| ActiveConstraint { kind: kind.to_owned(), elements: vec![], value: None };
        let [a, b, d] = ["a", "b", "d"].map(c);
        let taken_back = constraints(
            &[a.clone(), b.clone(), d.clone()],
            &[a.clone(), b],
            std::slice::from_ref(&a),
        );
        assert_eq!(taken_back, [a, d]);
    }
}
