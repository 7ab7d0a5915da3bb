//! Asking as a good client does: a refusal that says when to come back is waited out, and an answer
//! that is promised for later is fetched then.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;

use super::Run;
use crate::http::{Error, Reply};

/// The longest that one request is waited for, refusals and job together.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest wait that is believed.
const LONGEST: u64 = 30;

/// Seconds to wait, of an answer that asks for it: the rate is used up (429), the engine is
/// protecting the work it has (503), or a job is under way (202 and its polls).
pub(super) fn retry_after(reply: &Reply) -> Option<Duration> {
    let seconds = reply.header("retry-after")?.parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST)))
}

/// Whether an answer is a refusal as it should be: with the time to come back.
pub(super) fn refused_rightly(reply: &Reply) -> bool {
    matches!(reply.status, 429 | 503) && retry_after(reply).is_some()
}

/// Whether an answer is a promise as it should be: with the address of the job.
pub(super) fn promised(reply: &Reply) -> bool {
    reply.status == 202 && reply.header("location").is_some()
}

impl Run<'_> {
    /// GET, patiently.
    pub(super) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Reply, Error> {
        self.send(Method::GET, path, headers, Bytes::new()).await
    }

    /// POST of JSON, patiently.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Reply, Error> {
        let json = [("content-type", "application/json")];
        self.send(Method::POST, path, &json, body.to_string().into()).await
    }

    /// Any request: the last answer, when patience is at its end.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Reply, Error> {
        let mut waited = Duration::ZERO;
        loop {
            let reply = self.client.send(method.clone(), path, headers, body.clone()).await?;
            if promised(&reply) {
                return self.fetch(reply, waited).await;
            }
            let Some(wait) = retry_after(&reply).filter(|_| refused_rightly(&reply)) else {
                return Ok(reply);
            };
            let wait = wait.max(Duration::from_millis(100));
            if waited + wait > PATIENCE {
                return Ok(reply);
            }
            tokio::time::sleep(wait).await;
            waited += wait;
        }
    }

    /// The answer of the job that `accepted` promises; what was said last, when it does not come.
    async fn fetch(&self, accepted: Reply, mut waited: Duration) -> Result<Reply, Error> {
        // Only a path: the answer must not lead to another host.
        let Some(job) = accepted.header("location").filter(|l| l.starts_with("/jobs/")) else {
            return Ok(accepted);
        };
        let mut last = accepted.clone();
        while let Some(wait) = retry_after(&last) {
            let wait = wait.max(Duration::from_millis(100));
            if waited + wait > PATIENCE {
                return Ok(last);
            }
            tokio::time::sleep(wait).await;
            waited += wait;
            last = self.client.get(job, &[]).await?;
        }
        self.client.get(&format!("{job}/result"), &[]).await
    }
}
