//! What was done, a line of JSON for each step: to see afterwards, and to go on from.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It has begun.
    Started,
    /// It is done.
    Done,
    /// It was done before, or there is nothing to do.
    Skipped,
    /// It failed.
    Failed,
}

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// When, in UTC.
    pub time: String,
    /// Of which run: a hash of what was to be deployed.
    pub run: String,
    /// Which step.
    pub step: String,
    /// How it stands.
    pub state: StepState,
    /// What came of it, or what went wrong.
    #[serde(default)]
    pub detail: String,
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct Error {
    path: PathBuf,
    source: std::io::Error,
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    run: String,
    before: Vec<Entry>,
}

impl Journal {
    /// Opens the journal at `path` for the run `run`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn open(path: &Path, run: &str) -> Result<Journal, Error> {
        let failed = |source| Error { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let before = read(path)?;
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        Ok(Journal { path: path.to_owned(), file, run: run.to_owned(), before })
    }

    /// Writes a line; it is on disk when this returns.
    ///
    /// # Errors
    /// [`Error`].
    pub fn write(&mut self, step: &str, state: StepState, detail: &str) -> Result<(), Error> {
        let entry = Entry {
            time: now(),
            run: self.run.clone(),
            step: step.to_owned(),
            state,
            detail: detail.to_owned(),
        };
        let failed = |source| Error { path: self.path.clone(), source };
        let mut line = serde_json::to_string(&entry).map_err(|e| failed(e.into()))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(failed)?;
        self.file.sync_data().map_err(failed)
    }

    /// What `step` came to, if the last run was the same as this one, got that far, and ended
    /// before it was finished.
    pub fn done(&self, step: &str) -> Option<&str> {
        let last: Vec<&Entry> =
            self.before.iter().rev().take_while(|e| e.run == self.run && !e.ends_a_run()).collect();
        last.into_iter()
            .find(|e| e.step == step && e.state != StepState::Started)
            .filter(|e| e.state != StepState::Failed)
            .map(|e| e.detail.as_str())
    }
}

impl Entry {
    fn ends_a_run(&self) -> bool {
        matches!(self.step.as_str(), "finish" | "rollback") && self.state == StepState::Done
    }
}

/// The lines of a journal; none where there is no journal. A torn last line is left out.
///
/// # Errors
/// [`Error`].
pub fn read(path: &Path) -> Result<Vec<Entry>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error { path: path.to_owned(), source }),
    }
}

/// The time of day, in UTC.
#[allow(clippy::disallowed_methods, reason = "a journal says when; nothing is decided by it")]
pub(super) fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX));
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_cut_short_goes_on_and_a_finished_one_begins_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal");
        let mut journal = Journal::open(&path, "a").expect("opened");
        for (step, state) in
            [("build", StepState::Done), ("push", StepState::Done), ("wait", StepState::Started)]
        {
            journal.write(step, state, "x").expect("written");
        }
        let again = Journal::open(&path, "a").expect("opened");
        assert_eq!(
            (again.done("build"), again.done("push"), again.done("wait")),
            (Some("x"), Some("x"), None)
        );
        assert_eq!(Journal::open(&path, "other").expect("opened").done("build"), None);
        journal.write("finish", StepState::Done, "").expect("written");
        assert_eq!(Journal::open(&path, "a").expect("opened").done("build"), None);
        std::fs::write(&path, "{\"time\":\"torn").expect("written");
        assert!(read(&path).expect("read").is_empty());
    }
}
