//! No secret is in the tree: what the known scanners look for, in every file that is tracked.

use std::path::Path;
use std::process::Command;

/// What gives a secret away: a prefix, and how many characters of which kind follow it.
const TOKENS: &[(&str, &str, usize)] = &[
    ("AWS key", "AKIA", 16),
    ("GitHub token", "ghp_", 36),
    ("GitHub token", "github_pat_", 22),
    ("GitLab token", "glpat-", 20),
    ("Slack token", "xoxb-", 24),
    ("Google key", "AIza", 35),
    ("Stripe key", "sk_live_", 24),
    ("npm token", "npm_", 36),
    ("age key", "AGE-SECRET-KEY-1", 58),
];

/// Finds secrets in a text, as `line: what`.
fn scan(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut object = String::new();
    for (i, line) in text.lines().enumerate() {
        let mut report = |what: &str| found.push(format!("{}: {what}", i + 1));
        if line.contains("-----BEGIN") && line.contains("PRIVATE KEY-----") {
            report("private key");
        }
        for (what, prefix, length) in TOKENS {
            for (at, _) in line.match_indices(prefix) {
                let rest = &line[at + prefix.len()..];
                let run =
                    rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                if run >= *length {
                    report(what);
                }
            }
        }
        // A Secret in YAML has no business in the tree at all.
        let trimmed = line.trim();
        if trimmed.starts_with("kind:") {
            object = trimmed.trim_start_matches("kind:").trim().to_owned();
        } else if trimmed == "---" {
            object.clear();
        } else if object == "Secret" && matches!(trimmed, "data:" | "stringData:") {
            report("Secret with data");
        }
        if assigns_a_password(trimmed) {
            report("password");
        }
    }
    found
}

/// `password: something`, in YAML, TOML or an environment file.
fn assigns_a_password(line: &str) -> bool {
    let Some((name, value)) = line.split_once([':', '=']) else { return false };
    let name = name.trim().trim_matches('"').to_ascii_lowercase();
    let value = value.trim().trim_matches(['"', '\'', ',']);
    let named = ["password", "passwd", "secret_key", "client_secret", "admin_password"]
        .iter()
        .any(|n| name == *n || name.ends_with(&format!("_{n}")));
    // A reference is no secret.
    let refers = ["$", "/", "{", "<", "*"].iter().any(|p| value.starts_with(p));
    named && value.len() >= 6 && !value.contains(' ') && !refers
}

#[test]
fn no_tracked_file_holds_a_secret() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output();
    let Ok(listed) = listed else {
        println!("SKIP: git is not installed, so the tracked files are not known");
        return;
    };
    let names = String::from_utf8(listed.stdout).expect("names in text");
    let mut found = Vec::new();
    for name in names.split('\0').filter(|n| !n.is_empty()) {
        // Lock files and pictures hold hashes; this file holds what it looks for.
        if name.ends_with(".sum") || name.ends_with("server/secrets.rs") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root.join(name)) else { continue };
        found.extend(scan(&text).into_iter().map(|f| format!("{name}:{f}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn each_kind_of_secret_is_found() {
    for (text, what) in [
        ("-----BEGIN EC PRIVATE KEY-----", "private key"),
        ("aws = \"AKIAABCDEFGHIJKLMNOP\"", "AWS key"),
        ("kind: Secret\ndata:\n  a: b", "Secret with data"),
        ("GF_SECURITY_ADMIN_PASSWORD=admin123", "password"),
        ("password: \"hunter22\"", "password"),
    ] {
        assert!(scan(text).iter().any(|f| f.ends_with(what)), "{text}");
    }
    for text in [
        "kind: ConfigMap\ndata:\n  a: b",
        "password: ${PASSWORD}",
        "AKIA is a prefix",
        "password: /run/x",
    ] {
        assert_eq!(scan(text), Vec::<String>::new(), "{text}");
    }
}
