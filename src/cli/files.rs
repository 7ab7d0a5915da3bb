//! Reading drawings and writing results, for every subcommand that does.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use svgx_engine::document::{Diagnostic, Document, Limits, LineIndex, parse};

/// Reads and parses a drawing; prints what is wrong with it. The code is 2 when
/// it cannot be read and 1 when it is no drawing.
pub(crate) fn open(path: &Path) -> Result<Document, ExitCode> {
    let limits = Limits::default();
    let source =
        read(path, limits.bytes).map_err(|e| failed(&format!("{}: {e}", path.display())))?;
    parse(&source, &limits).map_err(|diagnostics| {
        print(path, &source, &diagnostics);
        ExitCode::from(1)
    })
}

fn read(path: &Path, limit: usize) -> std::io::Result<String> {
    let mut text = String::new();
    // One byte more than the limit is enough to see that it is exceeded.
    let most = limit as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?.take(most).read_to_string(&mut text)?;
    }
    Ok(text)
}

/// Reads a file, or standard input for `-`, whatever its length.
pub(crate) fn read_all(path: &Path) -> std::io::Result<String> {
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin().lock());
    }
    std::fs::read_to_string(path)
}

/// Prints findings with their places.
pub(crate) fn print(path: &Path, source: &str, diagnostics: &[Diagnostic]) {
    let lines = LineIndex::new(source);
    for d in diagnostics {
        let at = lines.position(source, d.span.start);
        let (line, column) = (at.line, at.column);
        eprintln!("{}:{line}:{column}: {}: {}", path.display(), d.code, d.message);
    }
}

/// Writes to a file, or to standard output.
pub(crate) fn write(path: Option<&Path>, bytes: &[u8]) -> ExitCode {
    let written = match path {
        Some(path) => std::fs::write(path, bytes),
        None => std::io::stdout().lock().write_all(bytes),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has had enough.
        Err(e) if path.is_none() && e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(e) => {
            let name =
                path.map_or_else(|| "standard output".to_owned(), |p| p.display().to_string());
            failed(&format!("{name}: {e}"))
        }
    }
}

/// Prints a failure of the surroundings.
pub(crate) fn failed(message: &str) -> ExitCode {
    eprintln!("svgx: {message}");
    ExitCode::from(2)
}
