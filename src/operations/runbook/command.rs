//! The commands of a page: each must exist, with its flags.
//!
//! The little of the shell that pages use: words, quotes, `${NAME:-default}`,
//! pipes, `&&`, `||`, `;`, `until ...; do ...; done`.

use std::fmt;

use crate::known_series::KnownSeries;

/// Whether `svgx` understands these arguments; the error is its own words.
pub struct CommandCheck<'c>(pub &'c dyn Fn(&[String]) -> Result<(), String>);

impl fmt::Debug for CommandCheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommandCheck")
    }
}

/// What stands between commands, or in front of them.
const AROUND: [&str; 8] = ["until", "while", "if", "then", "do", "!", "else", "time"];
/// Commands of every Unix, and the shell's own.
const COMMON: [&str; 12] = [
    "echo", "sleep", "grep", "sort", "head", "tail", "test", "done", "fi", "export", "true", "cat",
];
const CURL: [&str; 9] = [
    "--silent",
    "--fail",
    "--max-time",
    "--get",
    "--data-urlencode",
    "--output",
    "--request",
    "--header",
    "--data",
];
const KUBECTL: [&str; 13] = [
    "get",
    "describe",
    "logs",
    "top",
    "rollout",
    "scale",
    "set",
    "patch",
    "exec",
    "delete",
    "port-forward",
    "wait",
    "annotate",
];
const KUBECTL_FLAGS: [&str; 15] = [
    "--namespace",
    "--selector",
    "--output",
    "--previous",
    "--tail",
    "--prefix",
    "--timeout",
    "--patch",
    "--containers",
    "--limits",
    "--sort-by",
    "--to-revision",
    "--replicas",
    "--since",
    "--for",
];
const ROLLOUT: [&str; 6] = ["history", "pause", "restart", "resume", "status", "undo"];
const SET: [&str; 3] = ["env", "image", "resources"];

/// What is wrong with the commands in `text`, each with its line from 0.
pub(super) fn check(
    text: &str,
    emitted: &KnownSeries,
    commands: &CommandCheck<'_>,
) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (line, text) in text.lines().enumerate() {
        match commands_of(text) {
            Ok(found) => {
                for words in found {
                    if let Err(message) = one(&words, emitted, commands) {
                        wrong.push((line, message));
                    }
                }
            }
            Err(message) => wrong.push((line, message)),
        }
    }
    wrong
}

/// The commands of a line, as words.
fn commands_of(line: &str) -> Result<Vec<Vec<String>>, String> {
    if line.contains("$(") || line.contains('`') {
        return Err("no substitution of commands in a runbook: write it out".to_owned());
    }
    let mut all = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = line.chars().peekable();
    let end = |word: &mut Option<String>, all: &mut Vec<Vec<String>>| {
        if let (Some(word), Some(last)) = (word.take(), all.last_mut()) {
            last.push(word);
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let inner = word.get_or_insert_default();
                let mut closed = false;
                for i in chars.by_ref() {
                    if i == c {
                        closed = true;
                        break;
                    }
                    inner.push(i);
                }
                if !closed {
                    return Err(format!("a quote {c} is not closed"));
                }
            }
            ' ' => end(&mut word, &mut all),
            '|' | ';' | '&' => {
                end(&mut word, &mut all);
                while chars.next_if(|n| matches!(n, '|' | '&')).is_some() {}
                all.push(Vec::new());
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    end(&mut word, &mut all);
    all.retain(|words| !words.is_empty());
    Ok(all.into_iter().map(|words| words.iter().map(|w| expanded(w)).collect()).collect())
}

/// `${NAME:-default}` as its default.
fn expanded(word: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, inside)) = rest.split_once("${") {
        let (variable, after) = inside.split_once('}').unwrap_or((inside, ""));
        out.push_str(before);
        out.push_str(variable.split_once(":-").map_or("", |(_, default)| default));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn one(words: &[String], emitted: &KnownSeries, commands: &CommandCheck<'_>) -> Result<(), String> {
    let assigned = |w: &str| {
        w.split_once('=').is_some_and(|(n, _)| {
            !n.is_empty() && n.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
    };
    let start = words.iter().position(|w| !AROUND.contains(&w.as_str()) && !assigned(w));
    let Some((name, rest)) = start.and_then(|s| words.get(s..)?.split_first()) else {
        return Ok(());
    };
    match name.as_str() {
        "svgx" => (commands.0)(rest).map_err(|e| format!("svgx {}: {e}", rest.join(" "))),
        "kubectl" => kubectl(rest),
        "curl" => curl(rest, emitted),
        "redis-cli" => redis(rest),
        other if COMMON.contains(&other) => Ok(()),
        other => Err(format!("{other}: only svgx, kubectl, curl, redis-cli and the common tools")),
    }
}

fn flags<'w>(words: &'w [String], known: &[&str]) -> Result<Vec<&'w str>, String> {
    let mut plain = Vec::new();
    for word in words {
        let flag = word.split_once('=').map_or(word.as_str(), |(flag, _)| flag);
        if flag.starts_with('-') {
            if !known.contains(&flag) {
                return Err(format!("unknown flag {flag}; use long flags"));
            }
        } else {
            plain.push(word.as_str());
        }
    }
    Ok(plain)
}

fn kubectl(words: &[String]) -> Result<(), String> {
    let plain = flags(words, &KUBECTL_FLAGS)?;
    if words.first().map(String::as_str) != Some("--namespace") {
        return Err("kubectl: say --namespace first".to_owned());
    }
    // The first plain word is the namespace.
    let verb = plain.get(1).copied().unwrap_or_default();
    let object = plain.get(2).copied().unwrap_or_default();
    let exists = match verb {
        "rollout" => ROLLOUT.contains(&object),
        "set" => SET.contains(&object),
        verb => KUBECTL.contains(&verb),
    };
    if exists { Ok(()) } else { Err(format!("kubectl has no command {verb} {object}")) }
}

fn curl(words: &[String], emitted: &KnownSeries) -> Result<(), String> {
    let plain = flags(words, &CURL)?;
    if !plain.iter().any(|w| w.starts_with("http://") || w.starts_with("https://")) {
        return Err("curl: no address".to_owned());
    }
    for query in words.iter().filter_map(|w| w.strip_prefix("query=")) {
        if let Some(missing) = emitted.missing(query, "").first() {
            return Err(format!("query: {missing}"));
        }
    }
    Ok(())
}

/// `-u ADDRESS`, and a command that looks, or sets what the engine wants to be set.
fn redis(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["-u", _, "INFO" | "ROLE" | "PING" | "DBSIZE", ..]
        | ["-u", _, "CONFIG", "GET" | "SET", ..] => Ok(()),
        ["-u", _, other, ..] => Err(format!("redis-cli: {other} is not for a page")),
        _ => Err("redis-cli: say -u ADDRESS first".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_named() {
        let emitted = KnownSeries::new(&[]);
        let svgx = |words: &[String]| {
            (words.first().map(String::as_str) == Some("config"))
                .then_some(())
                .ok_or_else(|| "unknown".to_owned())
        };
        let commands = CommandCheck(&svgx);
        for (text, wrong) in [
            ("svgx config", 0),
            ("SVGX_WORKERS=1 svgx config", 0),
            ("svgx conjure", 1),
            ("curl --silent \"${SVGX:-http://127.0.0.1:9464}/slo\" || echo no", 0),
            ("curl --sillent http://127.0.0.1/", 1),
            ("curl --silent --get http://127.0.0.1/ --data-urlencode 'query=up > 1' | grep x", 0),
            ("curl --silent --get http://127.0.0.1/ --data-urlencode 'query=upp'", 1),
            ("until curl --silent http://a/ | grep --quiet x; do sleep 5; done", 0),
            ("kubectl --namespace a get pods", 0),
            ("kubectl get pods", 1),
            ("kubectl --namespace a rollout forward x", 1),
            ("redis-cli -u redis://127.0.0.1:6379/0 CONFIG SET appendfsync always", 0),
            ("redis-cli -u redis://127.0.0.1:6379/0 FLUSHALL", 1),
            ("redis-cli ROLE", 1),
            ("rm --recursive /", 1),
            ("echo $(svgx config)", 1),
            ("echo 'open", 1),
        ] {
            assert_eq!(check(text, &emitted, &commands).len(), wrong, "{text}");
        }
    }
}
