//! The bill of materials of the binary: CycloneDX 1.5, from the lock file.
//!
//! The lock file holds what tests and benchmarks use too, so the list may name more than the
//! binary holds, and never less.

use serde_json::{Value, json};

/// The package that is the program.
const PROGRAM: &str = "svgx";
/// The licence of the binary: its sources are MIT OR Apache-2.0, and it links `actix-governor`.
const LICENCE: &str = "GPL-3.0-or-later";

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no TOML.
    #[error("not a lock file: {0}")]
    Toml(#[from] toml::de::Error),
    /// A package lacks something.
    #[error("a package without {0}")]
    Package(&'static str),
}

/// The bill for the text of a `Cargo.lock`. The same text, the same bill: it has no time, and its
/// serial number is a hash of the text.
///
/// # Errors
/// [`Error`].
pub fn cyclonedx(lock: &str) -> Result<Value, Error> {
    let table: toml::Table = lock.parse()?;
    let packages = table.get("package").and_then(toml::Value::as_array);
    let mut components = Vec::new();
    let mut own = Value::Null;
    for package in packages.into_iter().flatten() {
        let text = |key: &'static str| package.get(key).and_then(toml::Value::as_str);
        let name = text("name").ok_or(Error::Package("a name"))?;
        let version = text("version").ok_or(Error::Package("a version"))?;
        let purl = format!("pkg:cargo/{name}@{version}");
        let mut component = json!({
            "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        });
        if let Some(hash) = text("checksum") {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
        }
        if name == PROGRAM && text("source").is_none() {
            component["type"] = "application".into();
            component["licenses"] = json!([{ "expression": LICENCE }]);
            own = component;
        } else {
            components.push(component);
        }
    }
    let hash = blake3::hash(lock.as_bytes()).to_hex();
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    // The form of a UUID of version 8: content of one's own.
    let serial = format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    );
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": serial, "version": 1,
        "metadata": { "component": own }, "components": components,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_named_with_its_hash_and_the_same_text_makes_the_same_bill() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"00ff\"\n\
                    [[package]]\nname = \"svgx\"\nversion = \"0.1.0\"\n\
                    [[package]]\nname = \"svgx-engine\"\nversion = \"0.1.0\"\n";
        let bill = cyclonedx(lock).expect("a bill");
        assert_eq!(bill["components"][0]["purl"], "pkg:cargo/a@1.0.0");
        assert_eq!(bill["components"][0]["hashes"][0]["content"], "00ff");
        assert_eq!(bill["components"][1]["name"], "svgx-engine");
        assert_eq!(bill["metadata"]["component"]["name"], "svgx");
        let licences = &bill["metadata"]["component"]["licenses"];
        assert_eq!(licences[0]["expression"], "GPL-3.0-or-later");
        assert_eq!(cyclonedx(lock).expect("a bill"), bill);
        let serial = bill["serialNumber"].as_str().expect("text");
        assert_eq!(serial.len(), "urn:uuid:".len() + 36);
        assert!(cyclonedx("not [ toml").is_err());
    }
}
