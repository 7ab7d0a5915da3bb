//! DXF as documents.

mod drafted;
mod gradients;
mod hostile;
mod out;
mod paper;
mod shapes;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::document;
use svgx_exchange::dxf::{Error, Imported, Limits, Options, import};

fn unlimited() -> Budget {
    Budget::unlimited(Class::Batch, Tier::Compute)
}

fn read(bytes: &[u8]) -> Result<Imported, Error> {
    import(bytes, &Options::default(), &Limits::default(), &unlimited())
}

/// A file of pairs written as `code value`, one on each line; a line that begins with `#` is the
/// name of a section, which ends before the next.
fn file(pairs: &str) -> String {
    let mut out = String::new();
    let mut is_open = false;
    for line in pairs.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(section) = line.strip_prefix('#') {
            if is_open {
                out.push_str("0\nENDSEC\n");
            }
            out.push_str(&format!("0\nSECTION\n2\n{}\n", section.trim()));
            is_open = true;
        } else {
            let (code, value) = line.split_once(' ').unwrap_or((line, ""));
            out.push_str(&format!("{code}\n{value}\n"));
        }
    }
    out + "0\nENDSEC\n0\nEOF\n"
}

/// The document of a file of pairs; it holds nothing that is wrong in the language.
fn drawn(pairs: &str) -> Imported {
    let imported = read(file(pairs).as_bytes()).expect("a file that is read");
    let parsed = document::parse(&imported.svgx, &document::Limits::default());
    let document = parsed.unwrap_or_else(|found| panic!("{found:?}\n{}", imported.svgx));
    assert!(document.diagnostics().is_empty(), "{:?}\n{}", document.diagnostics(), imported.svgx);
    imported
}
