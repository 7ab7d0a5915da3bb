//! The fonts that are brought by `--font-dir`: read once, in an order that does not depend on
//! the machine.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use svgx_engine::compile::{FontFile, Fonts};

/// Files of all directories.
const FONT_FILES: usize = 1_000;
/// Bytes of all files.
const FONT_BYTES: u64 = 256 << 20;
/// Directories inside each other.
const FONT_DEPTH: usize = 8;
/// Entries of directories that are looked at.
const FONT_ENTRIES: usize = 20_000;

/// Why fonts cannot be brought.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A directory or file cannot be read.
    #[error("the fonts cannot be read: {}: {}", .0.display(), .1)]
    Io(PathBuf, std::io::Error),
    /// Too much of something.
    #[error("the {name} limit is {max}; {seen} were seen at {}", .at.display())]
    Limit {
        /// Its name.
        name: &'static str,
        /// What it allows.
        max: u64,
        /// What was seen.
        seen: u64,
        /// Where.
        at: PathBuf,
    },
}

/// The fonts in the binary and those of `directories`, in their order; within one, by path.
/// Symbolic links to directories are not followed.
///
/// # Errors
/// [`Error`].
pub fn load(directories: &[PathBuf]) -> Result<Fonts, Error> {
    if directories.is_empty() {
        return Ok(Fonts::built_in());
    }
    let mut files = Vec::new();
    let (mut bytes, mut entries) = (0, 0);
    for directory in directories {
        let mut paths = Vec::new();
        collect(directory, 0, &mut entries, &mut paths)?;
        paths.sort();
        for path in paths {
            if files.len() >= FONT_FILES {
                let (max, seen) = (FONT_FILES as u64, FONT_FILES as u64 + 1);
                return Err(Error::Limit { name: "font_files", max, seen, at: path });
            }
            let read = read(&path, FONT_BYTES - bytes).map_err(|e| Error::Io(path.clone(), e))?;
            bytes += read.len() as u64;
            if bytes > FONT_BYTES {
                let (max, seen) = (FONT_BYTES, bytes);
                return Err(Error::Limit { name: "font_bytes", max, seen, at: path });
            }
            files.push(FontFile { name: path.display().to_string(), bytes: read });
        }
    }
    Ok(Fonts::with(files))
}

/// A file, as far as `left` allows and one byte more.
fn read(path: &Path, left: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(left.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn collect(
    directory: &Path,
    depth: usize,
    entries: &mut usize,
    paths: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let failed = |e| Error::Io(directory.to_owned(), e);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        *entries += 1;
        if *entries > FONT_ENTRIES {
            let (max, seen) = (FONT_ENTRIES as u64, *entries as u64);
            return Err(Error::Limit { name: "font_entries", max, seen, at: entry.path() });
        }
        let path = entry.path();
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            if depth + 1 > FONT_DEPTH {
                let (max, seen) = (FONT_DEPTH as u64, depth as u64 + 1);
                return Err(Error::Limit { name: "font_depth", max, seen, at: path });
            }
            collect(&path, depth + 1, entries, paths)?;
        } else if is_font(&path) && std::fs::metadata(&path).is_ok_and(|m| m.is_file()) {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_font(path: &Path) -> bool {
    let suffix = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    ["ttf", "otf", "ttc", "otc"].iter().any(|known| known.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_read_by_path_and_other_files_are_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("b")).expect("a directory");
        for name in ["z.ttf", "b/a.OTF", "notes.txt", "a.ttf"] {
            std::fs::write(at(name), b"no font").expect("a file");
        }
        let fonts = load(&[directory.path().to_owned()]).expect("fonts");
        let names: Vec<String> = ["a.ttf", "b/a.OTF", "z.ttf"]
            .iter()
            .map(|name| at(name).display().to_string())
            .collect();
        assert_eq!(fonts.skipped(), names);
    }

    #[test]
    fn what_is_not_there_and_what_nests_too_deep_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let missing = load(&[directory.path().join("none")]);
        assert!(matches!(missing, Err(Error::Io(..))));
        let deep = directory.path().join("a/b/c/d/e/f/g/h/i");
        std::fs::create_dir_all(deep).expect("directories");
        let error = load(&[directory.path().to_owned()]).expect_err("too deep");
        assert!(matches!(error, Error::Limit { name: "font_depth", max: 8, .. }), "{error}");
    }
}
