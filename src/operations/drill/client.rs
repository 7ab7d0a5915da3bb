//! Somebody who edits all the while: what was acknowledged has to be there in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::{Client, Reply};

const ROOM: &str = include_str!("../../../examples/room.svgx");
const SESSION: &str = "drill";
/// Between two edits.
const EVERY: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(5);
/// The first value; each edit writes the next.
const FIRST: u64 = 1_000;
/// How often the drawing is asked for in the end.
const TRIES: u32 = 60;

/// What came of the edits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Edits that were sent.
    pub sent: u64,
    /// Of them acknowledged.
    pub acknowledged: u64,
    /// Of them refused, by a problem document.
    pub refused: u64,
    /// Of them without an answer.
    pub unanswered: u64,
    /// Of them answered in a way that is wrong: an error without a problem document.
    pub wrong: u64,
}

/// A thread that edits.
#[derive(Debug)]
pub(crate) struct Editor {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Tally, String>>,
}

impl Editor {
    /// Opens a drawing at `url` and begins to edit.
    pub(crate) fn start(url: String) -> Editor {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        Editor { stop, thread: std::thread::spawn(move || edit(&url, &seen)) }
    }

    /// Ends the edits and looks whether the last that was acknowledged is there.
    pub(crate) fn end(self) -> Result<Tally, String> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap_or_else(|_| Err("the editing client broke".to_owned()))
    }
}

struct Asks {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Asks {
    fn operate(&self, body: &Value) -> Option<Reply> {
        self.runtime.block_on(async {
            let answer =
                tokio::time::timeout(PATIENCE, self.client.post("interactive", body)).await;
            answer.ok()?.ok()
        })
    }

    fn get(&self, path: &str) -> Option<Reply> {
        self.runtime.block_on(async {
            let answer = tokio::time::timeout(4 * PATIENCE, self.client.get(path, &[])).await;
            answer.ok()?.ok()
        })
    }
}

fn edit(url: &str, stop: &AtomicBool) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let asks = Asks {
        runtime: runtime.map_err(|e| e.to_string())?,
        client: Client::new(url, None, None).map_err(|e| e.to_string())?,
    };
    let load = json!({"session": SESSION, "operation": "load", "content": ROOM});
    let opened = |_: &u32| {
        let reply = asks.operate(&load);
        if reply.is_none() || reply.is_some_and(|r| r.status != 200) {
            std::thread::sleep(EVERY);
            return false;
        }
        true
    };
    if !(0..TRIES).any(|n| opened(&n)) {
        return Err("no drawing could be opened to edit".to_owned());
    }
    let (mut tally, mut value, mut last) = (Tally::default(), FIRST, None);
    while !stop.load(Ordering::SeqCst) {
        value += 1;
        tally.sent += 1;
        let edit = json!({
            "session": SESSION, "operation": "set_attribute", "element_id": "cable1",
            "name": "stroke-width", "value": value.to_string(),
        });
        match asks.operate(&edit) {
            Some(reply) if reply.status == 200 => {
                tally.acknowledged += 1;
                last = Some(value);
            }
            Some(reply) if reply.header("content-type") == Some("application/problem+json") => {
                tally.refused += 1;
            }
            Some(_) => tally.wrong += 1,
            None => tally.unanswered += 1,
        }
        std::thread::sleep(EVERY);
    }
    let last = last.ok_or("not one edit was acknowledged")?;
    for _ in 0..TRIES {
        if let Some(reply) = asks.get(&format!("sessions/{SESSION}/drawing.svg"))
            && reply.status == 200
        {
            let found = width(&reply.text()).ok_or("the edited element is not in the drawing")?;
            // One that got no answer, or a refusal, may have been written or not.
            if (last..=value).contains(&found) {
                return Ok(tally);
            }
            return Err(format!("edit {last} was acknowledged, the drawing has {found}"));
        }
        std::thread::sleep(EVERY);
    }
    Err("the drawing cannot be read in the end".to_owned())
}

/// The width of the stroke of the element that is edited.
fn width(drawing: &str) -> Option<u64> {
    let at = drawing.find("id=\"cable1\"")?;
    let begin = drawing.get(..at)?.rfind('<')?;
    let element = drawing.get(begin..)?.split_once('>')?.0;
    element.split_once("stroke-width=\"")?.1.split_once('"')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_of_the_edited_element_is_read() {
        for (drawing, found) in [
            (r#"<g stroke-width="9"><path d="x" id="cable1" stroke-width="12"/>"#, Some(12)),
            (r#"<path stroke-width="1004" id="cable1"/>"#, Some(1004)),
            (r#"<path id="cable1"/><path stroke-width="1"/>"#, None),
            ("<svg/>", None),
        ] {
            assert_eq!(width(drawing), found, "{drawing}");
        }
        assert!(ROOM.contains("id=\"cable1\""));
    }
}
