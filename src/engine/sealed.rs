//! States as bytes that are only read back by who wrote them.
//!
//! The layout is magic, version, a keyed BLAKE3 tag over the rest, and the state in bincode. What a
//! state refers to by number may be anything in bytes from outside, so bytes are only ever decoded
//! when their tag shows that they were written with the same key.

use serde::Serialize;
use serde::de::DeserializeOwned;

const TAG: usize = 32;
const HEADER: usize = 4 + 4 + TAG;

/// Bytes that decoding may ask for.
const MOST_DECODED: usize = 256 * 1024 * 1024;

/// The key that states are sealed with. Whoever holds it is trusted.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Which states: those of another kind or version are refused.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The first bytes.
    pub magic: [u8; 4],
    /// Of the layout of the state.
    pub version: u32,
    /// What is told of bytes that are something else.
    pub other: &'static str,
}

/// Why a state is not written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has this many bytes, more than it may have.
    Large(usize),
    /// The bytes cannot be used.
    Bad(&'static str),
}

/// A state as at most `most` bytes.
///
/// # Errors
/// [`Refused::Large`], and [`Refused::Bad`] for what bincode does not write.
pub fn seal(
    kind: Kind,
    key: &Key,
    state: &impl Serialize,
    most: usize,
) -> Result<Vec<u8>, Refused> {
    let body = bincode::serde::encode_to_vec(state, bincode::config::standard())
        .map_err(|_| Refused::Bad("the state cannot be written"))?;
    if body.len() + HEADER > most {
        return Err(Refused::Large(body.len() + HEADER));
    }
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(kind.magic);
    bytes.extend(kind.version.to_le_bytes());
    bytes.extend(blake3::keyed_hash(&key.0, &body).as_bytes());
    bytes.extend(body);
    Ok(bytes)
}

/// The state that [`seal`] wrote.
///
/// # Errors
/// [`Refused`] for more than `most` bytes, and for bytes of another kind, version or key.
pub fn open<T: DeserializeOwned>(
    kind: Kind,
    key: &Key,
    bytes: &[u8],
    most: usize,
) -> Result<T, Refused> {
    if bytes.len() > most {
        return Err(Refused::Large(bytes.len()));
    }
    let bad = Refused::Bad;
    let (magic, rest) = bytes.split_first_chunk::<4>().ok_or(bad("too short"))?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(bad("too short"))?;
    let (tag, body) = rest.split_first_chunk::<TAG>().ok_or(bad("too short"))?;
    if *magic != kind.magic {
        return Err(bad(kind.other));
    }
    if u32::from_le_bytes(*version) != kind.version {
        return Err(bad("written by another version"));
    }
    // `blake3::Hash` compares in constant time.
    if blake3::keyed_hash(&key.0, body) != blake3::Hash::from_bytes(*tag) {
        return Err(bad("damaged, or sealed with another key"));
    }
    let config = bincode::config::standard().with_limit::<MOST_DECODED>();
    let (state, used) = bincode::serde::decode_from_slice(body, config)
        .map_err(|_| bad("its state cannot be read"))?;
    if used != body.len() {
        return Err(bad("has bytes left over"));
    }
    Ok(state)
}

/// A digest of what something prints. Every number is printed so that it reads back the same, so
/// that the text stands for the value.
pub fn digest(of: std::fmt::Arguments<'_>) -> [u8; 32] {
    struct Into(blake3::Hasher);
    impl std::fmt::Write for Into {
        fn write_str(&mut self, s: &str) -> std::fmt::Result {
            self.0.update(s.as_bytes());
            Ok(())
        }
    }
    let mut into = Into(blake3::Hasher::new());
    // Writing to a hasher cannot fail.
    let _ = std::fmt::write(&mut into, of);
    *into.0.finalize().as_bytes()
}
