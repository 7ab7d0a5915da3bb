//! Reading drawings, printing what is wrong with them, writing results and ending:
//! for every subcommand. The exit code is 1 when a drawing or an answer is wrong and
//! 2 when the surroundings are: a file, the network, a flag.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::{self, Fonts};
use svgx_engine::document::{self, Diagnostic, Document, Format, Limits, Severity, parse};
use svgx_networks::overlay::{self, Wanted};

use super::style;

/// A drawing or an answer is wrong.
pub(crate) const WRONG: u8 = 1;
/// The surroundings are: a file, the network, a flag.
pub(crate) const FAILED: u8 = 2;

/// The drawing with a quantity of one of its networks over it, where one is asked for; prints why
/// it cannot be.
pub(crate) fn overlaid(
    path: &Path,
    document: Document,
    wanted: Option<&Wanted>,
) -> Result<Document, ExitCode> {
    let Some(wanted) = wanted else { return Ok(document) };
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    overlay::overlaid(&document, wanted, &Limits::default(), &budget).map_err(|e| {
        error(format_args!("svgx: {}: {e}", path.display()));
        ExitCode::from(WRONG)
    })
}

/// The drawing with everything drawn that it states, or a sheet of it; prints what of that cannot
/// be drawn.
pub(crate) fn presented(
    path: &Path,
    document: Document,
    sheet: Option<&str>,
) -> Result<Document, ExitCode> {
    if sheet.is_none() && !svgx_drafting::is_drafted(&document) {
        return Ok(document);
    }
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    let limits = Limits::default();
    let drawn = match sheet {
        Some(id) => svgx_drafting::on_sheet(&document, id, &limits, &budget),
        None => svgx_drafting::drawn(&document, svgx_drafting::Purpose::Screen, &limits, &budget),
    };
    let drawn = drawn.map_err(|e| {
        error(format_args!("svgx: {}: {e}", path.display()));
        ExitCode::from(WRONG)
    })?;
    if !drawn.findings.is_empty() {
        print(path, document.source(), &drawn.findings);
    }
    Ok(drawn.document)
}

/// Reads and parses a drawing; prints what is wrong with it.
pub(crate) fn open(path: &Path) -> Result<Document, ExitCode> {
    let limits = Limits::default();
    let bytes = read(path, &limits).map_err(|e| failed(&format!("{}: {e}", path.display())))?;
    let wrong = |source: &str, found: &[Diagnostic]| {
        print(path, source, found);
        ExitCode::from(WRONG)
    };
    let source = document::decode(&bytes, &limits)
        .map_err(|found| wrong(&String::from_utf8_lossy(&bytes), &[found]))?;
    parse(&source, &limits).map_err(|found| wrong(&source, &found))
}

/// The fonts in the binary and those of `directories`.
pub(crate) fn fonts(directories: &[PathBuf]) -> Result<Fonts, ExitCode> {
    let fonts = svgx_server::fonts::load(directories).map_err(|e| failed(&e.to_string()))?;
    for name in fonts.skipped() {
        error(format_args!("svgx: {name} holds no font that can be read"));
    }
    Ok(fonts)
}

/// Prints what a picture of a drawing shows otherwise than browsers.
pub(crate) fn differences(path: &Path, document: &Document, fonts: &Fonts) {
    let budget = Budget::unlimited(Class::Redraw, Tier::Ui);
    // Without a limit nothing stops it.
    let found = compile::differences(document, fonts, &Limits::default(), &budget);
    let found = found.unwrap_or_default();
    if !found.is_empty() {
        print(path, document.source(), &found);
    }
}

/// The bytes of a file, of standard input for `-`: as many as the limit allows and one
/// more, which is enough to see that it is exceeded.
pub(crate) fn read(path: &Path, limits: &Limits) -> std::io::Result<Vec<u8>> {
    let most = limits.bytes as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Reads a file, or standard input for `-`, whatever its length.
pub(crate) fn read_all(path: &Path) -> std::io::Result<String> {
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin().lock());
    }
    std::fs::read_to_string(path)
}

/// Reads and parses a drawing; prints what is wrong with it, and what is doubtful.
pub(crate) fn open_with_warnings(path: &Path) -> Result<Document, ExitCode> {
    let document = open(path)?;
    print(path, document.source(), document.diagnostics());
    Ok(document)
}

/// A file, or standard input for `-`, to read line by line.
pub(crate) fn reader(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    Ok(Box::new(BufReader::new(std::fs::File::open(path)?)))
}

/// Prints findings with their places to standard error, for a person.
pub(crate) fn print(path: &Path, source: &str, diagnostics: &[Diagnostic]) {
    let told: Vec<Diagnostic>;
    let diagnostics = match style::is_quiet() {
        true => {
            let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
            told = errors.cloned().collect();
            &told
        }
        false => diagnostics,
    };
    if diagnostics.is_empty() {
        return;
    }
    let file = path.display().to_string();
    let files = [(file.as_str(), source, diagnostics)];
    let text = document::render_diagnostics(&files, Format::Human);
    let coloured = style::coloured(&std::io::stderr());
    error(if coloured { style::findings(&text) } else { text }.trim_end());
}

/// The format that a name ends in, of those a command can write; `None` for standard output and a
/// name without a suffix. `asked` is what a flag says.
pub(crate) fn format_of<F: clap::ValueEnum + PartialEq>(
    output: Option<&Path>,
    asked: Option<F>,
) -> Result<Option<F>, String> {
    let suffix = output.and_then(Path::extension).map(|s| s.to_string_lossy().to_lowercase());
    let (Some(output), Some(suffix)) = (output, suffix) else { return Ok(asked) };
    let named = |f: &F| f.to_possible_value().map(|v| v.get_name().to_owned());
    let known: Vec<String> = F::value_variants().iter().filter_map(named).collect();
    match F::from_str(&suffix, true) {
        Ok(format) if asked.as_ref().is_none_or(|asked| *asked == format) => Ok(Some(format)),
        Ok(_) => Err(format!(
            "{}: the name ends in .{suffix}, and --to says {}",
            output.display(),
            asked.as_ref().and_then(named).unwrap_or_default()
        )),
        // A name of one's own, and the format said.
        Err(_) if asked.is_some() => Ok(asked),
        Err(_) => Err(format!(
            "{}: .{suffix} cannot be written; known: {}",
            output.display(),
            known.iter().map(|k| format!(".{k}")).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// Whether standard output could not be written, for another reason than a reader that
/// has had enough.
static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Writes to standard output. A reader that closed it has had enough: what the command does
/// besides goes on. Any other failure makes the whole command fail ([`code`]).
pub(crate) fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(e) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && e.kind() != ErrorKind::BrokenPipe
        && !OUTPUT_LOST.swap(true, Ordering::Relaxed)
    {
        failed(&format!("standard output: {e}"));
    }
}

/// The exit code of a command that ended with `code`.
pub(crate) fn code(code: ExitCode) -> ExitCode {
    if OUTPUT_LOST.load(Ordering::Relaxed) { ExitCode::from(FAILED) } else { code }
}

/// Writes a line to standard error, where there is somebody to read it.
pub(crate) fn error(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// `println!`, which would panic where the reader of the pipe has left.
macro_rules! say {
    ($($part:tt)*) => { $crate::cli::files::put(&(format!($($part)*) + "\n")) };
}

/// `eprintln!`, which would panic likewise.
macro_rules! complain {
    ($($part:tt)*) => { $crate::cli::files::error(format_args!($($part)*)) };
}

/// Writes to a file, or to standard output without one and for `-`.
pub(crate) fn write(path: Option<&Path>, bytes: &[u8]) -> ExitCode {
    let path = path.filter(|path| *path != Path::new("-"));
    let written = match path {
        Some(path) => std::fs::write(path, bytes),
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has had enough.
        Err(e) if path.is_none() && e.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(e) => {
            let name =
                path.map_or_else(|| "standard output".to_owned(), |p| p.display().to_string());
            failed(&format!("{name}: {e}"))
        }
    }
}

/// Prints a failure of the surroundings.
pub(crate) fn failed(message: &str) -> ExitCode {
    error(format_args!("svgx: {message}"));
    ExitCode::from(FAILED)
}
