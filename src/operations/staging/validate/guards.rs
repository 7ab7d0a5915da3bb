//! What the service lets in, and what it says about every answer.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{refused_rightly, retry_after};
use super::{Check, Run, status, unanswered};

/// Requests at once that have to be too many: a burst of a hundred is let in, and a thousand a minute.
const RAPID: usize = 200;

/// Missing, wrong and revoked keys are refused.
pub(super) async fn keys(run: &Run<'_>) -> Vec<Check> {
    let wrong = Some("not-a-key-of-this-service".to_owned());
    let given = run.options.key.is_some();
    vec![
        key(run, "key-missing", "A request without a key is refused", given.then_some(None)).await,
        key(run, "key-wrong", "A request with a wrong key is refused", given.then_some(wrong))
            .await,
        key(
            run,
            "key-revoked",
            "A request with a revoked key is refused",
            run.options.revoked_key.clone().map(Some),
        )
        .await,
    ]
}

async fn key(run: &Run<'_>, id: &'static str, title: &str, with: Option<Option<String>>) -> Check {
    let mut check = Check::new(id, title);
    let Some(with) = with else {
        let flag = if id == "key-revoked" { "--revoked-key" } else { "--key" };
        return check.skipped(format!("no {flag} was given"));
    };
    match run.client.with_key(with).get("health", &[]).await {
        Ok(reply) => {
            status(&mut check, &reply, 401);
            check.expect(reply.header("www-authenticate").is_some(), || {
                "it does not say which key it wants (WWW-Authenticate)".to_owned()
            });
        }
        Err(error) => unanswered(&mut check, &error),
    }
    check
}

/// What must not be taken for a drawing: a name, and a body.
fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let document = |text: &str| json!({ "content": text }).to_string().into_bytes();
    let svg = |inside: &str| format!("<svg xmlns='http://www.w3.org/2000/svg'>{inside}</svg>");
    let mut laughs = "<!DOCTYPE svg [<!ENTITY a0 'ha'>".to_owned();
    for i in 1..40 {
        laughs += &format!("<!ENTITY a{i} '&a{0};&a{0};'>", i - 1);
    }
    let laughs = format!("{laughs}]>{}", svg("<text>&a39;</text>"));
    let foreign = format!("<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>{}", svg("&x;"));
    vec![
        ("SQL", document("'; DROP TABLE drawings; --")),
        ("JSON for a drawing", document("{\"type\": \"svgx\"")),
        ("null", json!({ "content": Value::Null }).to_string().into_bytes()),
        ("nothing", Vec::new()),
        ("an empty drawing", document("")),
        ("billion laughs", document(&laughs)),
        ("an external entity", document(&foreign)),
        ("deep nesting", document(&svg(&("<g>".repeat(50_000) + &"</g>".repeat(50_000))))),
        ("half a drawing", document("<svg xmlns='http://www.w3.org/2000/svg'><rect")),
        ("bytes that are no text", b"{\"content\":\"\xff\xfe\"}".to_vec()),
    ]
}

/// Every hostile input meets a 4xx that says why; a script never comes out again.
pub(super) async fn hostile(run: &Run<'_>) -> Check {
    let mut check = Check::new("hostile-input", "Hostile input is refused with a reason");
    let json = [("content-type", "application/json")];
    let mut refused = 0;
    let inputs = inputs();
    let all = inputs.len();
    for (what, body) in inputs {
        match run.send(Method::POST, "compile/svg", &json, body.into()).await {
            Ok(reply) => {
                let problem = reply.header("content-type") == Some("application/problem+json");
                let good = (400..500).contains(&reply.status) && problem;
                refused += usize::from(good);
                check.expect(good, || {
                    format!("{what}: answered {}: {}", reply.status, reply.excerpt())
                });
            }
            Err(error) => unanswered(&mut check, &error),
        }
    }
    let script =
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>";
    match run.post("compile/svg", &json!({ "content": script })).await {
        Ok(reply) => {
            let output = reply.json()["output"].as_str().unwrap_or_default().to_owned();
            check.expect(!output.contains("alert"), || "a script came through".to_owned());
        }
        Err(error) => unanswered(&mut check, &error),
    }
    check.at_least("refused", refused as f64, " inputs", all as f64);
    check
}

/// The connection is private, and browsers are told to keep it so.
pub(super) async fn tls(run: &Run<'_>) -> Check {
    let mut check = Check::new("tls", "The connection is private, and stays so");
    if !run.client.is_private() {
        if run.client.is_local() {
            return check.skipped("plain HTTP on this machine: nobody else reads it");
        }
        check.fail("the address is http://: keys and drawings can be read on the way");
        return check;
    }
    // The certificate was verified with every answer before this one.
    match run.get("health", &[]).await {
        Ok(reply) => {
            let age = reply.header("strict-transport-security").and_then(|v| {
                v.split(';').find_map(|p| p.trim().strip_prefix("max-age=")?.parse::<f64>().ok())
            });
            check.at_least("hsts", age.unwrap_or(0.0) / 86_400.0, " days", 180.0);
        }
        Err(error) => unanswered(&mut check, &error),
    }
    check
}

/// Every answer says its trace, its time, and that its type is not to be guessed.
pub(super) async fn headers(run: &Run<'_>) -> Check {
    let mut check = Check::new("headers", "Answers carry the headers they should");
    let parent = format!("00-{}-00f067aa0ba902b7-01", run.trace);
    match run.get("health", &[("traceparent", &parent)]).await {
        Ok(reply) => {
            let nosniff = reply.header("x-content-type-options");
            check.expect(nosniff == Some("nosniff"), || {
                "X-Content-Type-Options is not nosniff".to_owned()
            });
            let traced = reply.header("x-trace-id");
            check.expect(traced == Some(&run.trace), || {
                format!("X-Trace-Id is {traced:?}, asked with {}", run.trace)
            });
            for name in ["server-timing", "x-response-time", "traceparent", "cache-control"] {
                check.expect(reply.header(name).is_some(), || format!("there is no {name}"));
            }
        }
        Err(error) => unanswered(&mut check, &error),
    }
    check
}

/// Two hundred requests at once are too many for one key, and it says when to come back.
pub(super) async fn rate_limit(run: &Run<'_>) -> Check {
    let mut check = Check::new("rate-limit", "A key that asks too fast is slowed down");
    let replies = join_all((0..RAPID).map(|_| run.client.get("slo", &[]))).await;
    let mut limited = 0;
    for reply in replies {
        match reply {
            Ok(reply) if reply.status == 429 => {
                limited += 1;
                let wait = reply.header("retry-after").and_then(|v| v.parse::<u64>().ok());
                check.expect(wait.is_some(), || "429 without Retry-After".to_owned());
            }
            // The engine may protect itself while the burst is worked on.
            Ok(reply) if refused_rightly(&reply) => {}
            Ok(reply) => status(&mut check, &reply, 200),
            Err(error) => unanswered(&mut check, &error),
        }
    }
    check.at_least("limited", f64::from(limited), " of 200", 1.0);
    check.detail.dedup();
    recover(run).await;
    check
}

/// Waits until the rate is there again: whoever asks next, this command once more for one, is not
/// to pay for the check.
async fn recover(run: &Run<'_>) {
    const ENOUGH: u64 = 60;
    for _ in 0..30 {
        let Ok(reply) = run.client.get("slo", &[]).await else { return };
        let left = reply.header("x-ratelimit-remaining").and_then(|v| v.parse::<u64>().ok());
        if reply.status == 200 && left.is_none_or(|left| left >= ENOUGH) {
            return;
        }
        let wait = retry_after(&reply).unwrap_or(Duration::from_secs(1));
        tokio::time::sleep(wait.clamp(Duration::from_millis(200), Duration::from_secs(5))).await;
    }
}
