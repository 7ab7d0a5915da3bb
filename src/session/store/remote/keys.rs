//! What things are called on the server, and the commands about them.

use redis::{Cmd, Value};

use super::super::{Key, StoreError};

/// The one script; its names and answers are at its top.
pub(super) const SCRIPT: &str = include_str!("session.lua");
/// Whose replica a key with its identifier says: it is there as long as the replica lives.
pub(super) const REPLICA: &str = "svgx:replica:";
/// Sessions of each tenant.
pub(super) const TENANTS: &str = "svgx:tenants";
/// Sessions, bytes, and the last epoch given.
pub(super) const TOTALS: &str = "svgx:totals";

/// The name of a part of a session: all parts have one hash tag, `{tenant/name}`.
pub(super) fn part(key: &Key, part: &str) -> String {
    format!("svgx:{{{}/{}}}:{part}", plain(key.tenant()), plain(key.name()))
}

/// The set of names of a tenant's sessions.
pub(super) fn names(tenant: &str) -> String {
    format!("svgx:tenant:{}", plain(tenant))
}

/// The feed of a tenant.
pub(super) fn feed(tenant: &str) -> String {
    format!("svgx:feed:{}", plain(tenant))
}

/// The text without what would end the hash tag or its parts early.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '%' => plain.push_str("%25"),
            '/' => plain.push_str("%2F"),
            '{' => plain.push_str("%7B"),
            '}' => plain.push_str("%7D"),
            other => plain.push(other),
        }
    }
    plain
}

/// A call of the script about a session: `EVALSHA`, and not a function of the server. A function
/// is state of the server that engines of two versions would overwrite for each other during a
/// rolling upgrade; a script is named by its hash, so each engine calls its own.
pub(super) fn call(script: &str, key: &Key, operation: &str) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(script).arg(9);
    for name in ["lease", "meta", "log", "snaps", "text"] {
        command.arg(part(key, name));
    }
    command
        .arg(names(key.tenant()))
        .arg(TENANTS)
        .arg(TOTALS)
        .arg(feed(key.tenant()))
        .arg(operation);
    command
}

/// What the script answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Done; with the rest of the answer.
    Done(Vec<String>),
    /// Not, and why.
    Refused(StoreError),
}

/// Reads an answer of the script to a write of `sequence` to a session; `None` when it is none.
pub(super) fn answer(value: &Value, key: &Key, sequence: u64) -> Option<Answer> {
    let Value::Array(parts) = value else { return None };
    let parts: Vec<String> = parts.iter().map(text).collect::<Option<_>>()?;
    let (first, rest) = parts.split_first()?;
    let number = |at: usize| rest.get(at).and_then(|text| text.parse::<u64>().ok());
    Some(Answer::Refused(match first.as_str() {
        "ok" => return Some(Answer::Done(rest.to_vec())),
        "fenced" => StoreError::Fenced,
        "order" => StoreError::OutOfOrder { last: number(0)?, seen: sequence },
        "none" => StoreError::NoSession,
        "full" => {
            let what = match rest.first()?.as_str() {
                "stored sessions" => "stored sessions",
                "stored sessions of one tenant" => "stored sessions of one tenant",
                "bytes of one stored session" => "bytes of one stored session",
                _ => "bytes of all stored sessions",
            };
            StoreError::Full { what, limit: number(1)?, seen: number(2)? }
        }
        "elsewhere" => {
            let (owner, address) = (rest.first()?.clone(), rest.get(1)?.clone());
            StoreError::Elsewhere { key: Box::new(key.clone()), owner, address }
        }
        _ => return None,
    }))
}

/// A value as text; of numbers their digits.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Okay => Some("OK".to_owned()),
        _ => None,
    }
}

/// The values of a list.
pub(super) fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) | Value::Set(values) => values,
        _ => &[],
    }
}

/// The fields of a hash, as pairs one behind the other.
pub(super) fn pairs(value: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let flat = list(value).chunks_exact(2).filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
    let map: &[(Value, Value)] = match value {
        Value::Map(pairs) => pairs,
        _ => &[],
    };
    flat.chain(map.iter().map(|(field, value)| (field, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sessions_have_one_key() {
        let names =
            [("a", "b/c"), ("a/b", "c"), ("a}", "b"), ("a", "}b"), ("a%2F", "b"), ("a", "b")];
        let keys: std::collections::BTreeSet<String> = names
            .iter()
            .map(|(tenant, name)| part(&Key::new(tenant, name).unwrap(), "log"))
            .collect();
        assert_eq!(keys.len(), names.len(), "{keys:?}");
        assert!(keys.iter().all(|key| key.matches(['{', '}']).count() == 2), "{keys:?}");
    }

    #[test]
    fn what_is_no_answer_is_not_taken_for_one() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let key = Key::new("tenant", "s").unwrap();
        for value in [
            Value::Nil,
            Value::Array(Vec::new()),
            Value::Array(vec![Value::Nil]),
            Value::Array(vec![text("order")]),
            Value::Array(vec![text("full"), text("x"), text("y"), text("z")]),
            Value::Array(vec![text("elsewhere"), text("x")]),
            Value::Array(vec![text("other")]),
            Value::Array(vec![Value::BulkString(vec![0xff])]),
        ] {
            assert_eq!(answer(&value, &key, 1), None, "{value:?}");
        }
        let order = answer(&Value::Array(vec![text("order"), text("7")]), &key, 9);
        assert_eq!(order, Some(Answer::Refused(StoreError::OutOfOrder { last: 7, seen: 9 })));
    }
}
