//! A bomb by the command.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use svgx_base::budget::{Clock as _, Monotonic};

use super::super::overload::Error;
use super::{LONGEST, MOST_MEMORY, Painting, megabytes, peak};

/// Between two looks at its memory.
const LOOK: Duration = Duration::from_millis(1);
/// After so many times what it may take, it is ended.
const PATIENCE: u32 = 30;

/// Paints a drawing by `program render`, which may not have more memory than [`MOST_MEMORY`].
pub(super) fn paint(program: &Path, text: &str) -> Result<Painting, Error> {
    let failed = |e: std::io::Error| Error::Engine(format!("{}: {e}", program.display()));
    let clock = Monotonic::new();
    let began = clock.now();
    let mut child = Command::new(program)
        .args(["render", "-"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    bound(&child);
    if let Some(mut input) = child.stdin.take() {
        // One that refuses early does not read it all.
        let _ = input.write_all(text.as_bytes());
    }
    let (mut memory, mut late) = (0, false);
    let status = loop {
        memory = memory.max(peak(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if !late && clock.now().since(began) > LONGEST * PATIENCE {
            late = true;
            // It may have ended by itself just now.
            let _ = child.kill();
        }
        std::thread::sleep(LOOK);
    };
    let ms = clock.now().since(began).as_secs_f64() * 1e3;
    let mut said = String::new();
    if let Some(mut output) = child.stderr.take() {
        // A few lines: they fit into the pipe.
        let _ = output.read_to_string(&mut said);
    }
    let limit = said.lines().find(|line| line.contains(" limit is "));
    let short = |line: &str| line.chars().take(120).collect::<String>();
    let (verdict, why) = match (status.code(), limit) {
        (Some(0), _) => ("painted", String::new()),
        (Some(1), Some(limit)) => ("refused", short(limit.trim_start_matches("svgx: -: "))),
        _ if late => ("failed", "did not end".to_owned()),
        (code, _) => {
            let said = said.lines().last().unwrap_or_default();
            ("failed", format!("exit {code:?}: {}", short(said)))
        }
    };
    Ok(Painting { verdict, why, ms, mb: megabytes(memory) })
}

/// Bounds its address space, so that more than the memory allowed cannot be had between two looks.
fn bound(child: &Child) {
    let limit = Rlimit { current: Some(MOST_MEMORY), maximum: Some(MOST_MEMORY) };
    if let Some(process) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Where that is not allowed, its memory is looked at all the same.
        let _ = prlimit(Some(process), Resource::As, limit);
    }
}
