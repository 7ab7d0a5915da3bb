//! Bearer keys: several, named, kept as hashes, compared in constant time.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::state::config::Config;

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// A small number, the same for the same name as long as the process lives.
    pub(crate) id: u32,
    /// The name of the key; `anonymous` where none is needed.
    pub(crate) name: Arc<str>,
}

/// Why keys cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// A key that cannot be used; its text is not shown.
    #[error("{place}: {reason}")]
    Key {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What a request proved who it is with: noted in the request, and asked again by what outlives
/// it, for a key may be taken away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credential(Proof);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    None,
    /// The hash of a key.
    Key([u8; 32]),
    /// The word of another replica, which looks after the key itself.
    Replica,
}

impl Credential {
    /// Of a service that needs no keys.
    pub(crate) const NONE: Credential = Credential(Proof::None);
    /// Of a request that another replica passed on.
    pub(crate) const REPLICA: Credential = Credential(Proof::Replica);
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

struct Entry {
    identity: Identity,
    hash: [u8; 32],
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:[redacted]", self.identity.name)
    }
}

/// The keys in force.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    entries: Vec<Entry>,
    /// Whether a source of keys was given: then a service without keys is closed, not open.
    is_required: bool,
}

/// Numbers for names, so that a limit counted against a name outlives a reload.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<Arc<str>, u32>>);

impl Names {
    /// The identity called `name`.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        let mut names = self.0.lock();
        if let Some((name, id)) = names.get_key_value(name) {
            return Identity { id: *id, name: Arc::clone(name) };
        }
        let id = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = Arc::from(name);
        names.insert(Arc::clone(&name), id);
        Identity { id, name }
    }
}

impl Keys {
    /// Reads the keys of a configuration, its file included.
    ///
    /// # Errors
    /// [`Error`] for a file that cannot be read or a key that cannot be used.
    pub(crate) fn load(config: &Config, names: &Names) -> Result<Keys, Error> {
        let is_required = config.api_keys_file.is_some() || !config.api_keys.is_empty();
        let mut keys = Keys { entries: Vec::new(), is_required };
        for (i, key) in config.api_keys.iter().enumerate() {
            keys.add(key.reveal(), &format!("api-key {}", i + 1), names)?;
        }
        if let Some(path) = &config.api_keys_file {
            keys.read_file(path, names)?;
        }
        Ok(keys)
    }

    fn read_file(&mut self, path: &Path, names: &Names) -> Result<(), Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::File { path: path.display().to_string(), reason: e.to_string() })?;
        // Some editors begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                self.add(line, &format!("{}:{}", path.display(), i + 1), names)?;
            }
        }
        Ok(())
    }

    /// Takes `NAME:KEY`, `NAME:blake3:HEX`, or a bare key, which is named `default`.
    fn add(&mut self, text: &str, place: &str, names: &Names) -> Result<(), Error> {
        let wrong = |reason| Error::Key { place: place.to_owned(), reason };
        let (name, key) = text.split_once(':').unwrap_or(("default", text));
        let (name, key) = (name.trim(), key.trim());
        if name.is_empty() || name.len() > 64 || name.chars().any(|c| c.is_control() || c == '"') {
            return Err(wrong(
                "a name has 1 to 64 characters, none of them quotes or control characters",
            ));
        }
        if key.is_empty() {
            return Err(wrong("the key is empty"));
        }
        if !key.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            return Err(wrong("a key is printable ASCII without spaces"));
        }
        let hash = match key.strip_prefix("blake3:") {
            Some(hex) => *blake3::Hash::from_hex(hex)
                .map_err(|_| wrong("expected 64 hexadecimal digits after blake3:"))?
                .as_bytes(),
            None => *blake3::hash(key.as_bytes()).as_bytes(),
        };
        self.entries.push(Entry { identity: names.identity(name), hash });
        Ok(())
    }

    /// Whether nobody needs a key: none was given, nor anything to read them from.
    pub(crate) fn is_open(&self) -> bool {
        self.entries.is_empty() && !self.is_required
    }

    /// Whether what was proved with `credential` still holds.
    pub(crate) fn accepts(&self, credential: Credential) -> bool {
        match credential.0 {
            Proof::Key(hash) => self.find(&hash).is_some(),
            Proof::None => self.is_open(),
            Proof::Replica => true,
        }
    }

    /// Whether there is no key at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whose keys there are.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.entries.iter().map(|e| Arc::clone(&e.identity.name)).collect()
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whose key `token` is. Takes the same time whichever key matches, or none:
    /// the comparison is of hashes and never stops early.
    pub(crate) fn identify(&self, token: &str) -> Option<(&Identity, Credential)> {
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        self.find(&hash).map(|entry| (&entry.identity, Credential(Proof::Key(hash))))
    }

    fn find(&self, hash: &[u8; 32]) -> Option<&Entry> {
        let mut found = u32::MAX;
        for (i, entry) in self.entries.iter().enumerate() {
            let same = entry.hash.ct_eq(hash);
            found.conditional_assign(&u32::try_from(i).unwrap_or(u32::MAX), same);
        }
        self.entries.get(found as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: &[&str]) -> Result<Keys, Error> {
        let names = Names::default();
        let mut keys = Keys::default();
        for text in texts {
            keys.add(text, "here", &names)?;
        }
        Ok(keys)
    }

    #[test]
    fn a_key_identifies_its_name_and_nothing_else_does() {
        let hashed = format!("carol:blake3:{}", blake3::hash(b"third").to_hex());
        let keys = keys(&["alice:first", "bob:second", &hashed, "bare"]).expect("keys");
        for (token, name) in [
            ("first", Some("alice")),
            ("second", Some("bob")),
            ("third", Some("carol")),
            ("bare", Some("default")),
            ("alice:first", None),
            ("", None),
            ("firs", None),
        ] {
            assert_eq!(keys.identify(token).map(|(i, _)| &*i.name), name, "{token:?}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_used_is_refused_without_being_shown() {
        for text in ["", "alice:", ":key", "alice:with space", "alice:blake3:short", "al\"ice:k"] {
            let error = keys(&[text]).expect_err(text).to_string();
            assert!(error.starts_with("here: "), "{error}");
            assert!(!error.contains("with space"), "{error}");
        }
    }

    #[test]
    fn what_was_proved_holds_as_long_as_its_key() {
        let before = keys(&["alice:first", "bob:second"]).expect("keys");
        let (_, alice) = before.identify("first").expect("known");
        // The same name with another key is not what was proved.
        for (after, holds) in [
            (keys(&["alice:first"]).expect("keys"), true),
            (keys(&["alice:other", "bob:second"]).expect("keys"), false),
            (Keys { entries: Vec::new(), is_required: true }, false),
        ] {
            assert_eq!(after.accepts(alice), holds);
            assert!(!after.accepts(Credential::NONE) && !after.is_open());
        }
        assert!(Keys::default().accepts(Credential::NONE) && Keys::default().is_open());
    }

    #[test]
    fn a_file_without_keys_closes_the_service_and_a_byte_order_mark_is_no_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("keys");
        for (text, names) in
            [("", &[][..]), ("# none yet\n\n", &[]), ("\u{feff}alice:first\n", &["alice"])]
        {
            std::fs::write(&path, text).expect("written");
            let config = Config { api_keys_file: Some(path.clone()), ..Config::default() };
            let keys = Keys::load(&config, &Names::default()).expect("loads");
            assert_eq!(keys.names().iter().map(|n| &**n).collect::<Vec<_>>(), names);
            assert!(!keys.is_open(), "{text:?}");
        }
    }

    #[test]
    fn a_name_keeps_its_number() {
        let names = Names::default();
        let first = names.identity("alice");
        assert_ne!(names.identity("bob").id, first.id);
        assert_eq!(names.identity("alice"), first);
    }
}
