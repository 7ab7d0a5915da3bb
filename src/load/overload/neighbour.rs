//! Somebody else's program on the same machine.

use std::process::{Child, Command};

use super::Error;

/// A process that is never idle and has no lower priority; ends with the value.
#[derive(Debug)]
pub(super) struct Neighbour(Child);

impl Neighbour {
    /// # Errors
    /// [`Error::Engine`] when there is no shell.
    pub(super) fn start() -> Result<Neighbour, Error> {
        // It also ends by itself, should this process be killed.
        let busy = "while kill -0 $PPID; do i=0; while [ $i -lt 99999 ]; do i=$((i+1)); done; done";
        let started = Command::new("sh").args(["-c", busy]).spawn();
        started.map(Neighbour).map_err(|e| Error::Engine(format!("a busy neighbour: sh: {e}")))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
