//! Documents as they are stored: deflated, and known by the hash of what they were.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// What a document is known by.
pub(crate) fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let written = encoder.write_all(bytes);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

/// The bytes again; `None` where they are damaged, or more than `limit`.
pub(crate) fn unpack(packed: &[u8], limit: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut decoder = ZlibDecoder::new(packed).take(limit.saturating_add(1));
    let read = decoder.read_to_end(&mut bytes).ok()?;
    (read as u64 <= limit).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back_and_nothing_grows_beyond_its_limit() {
        let bytes = b"<svg/>".repeat(1_000);
        let packed = pack(&bytes);
        assert!(packed.len() < bytes.len() / 10);
        assert_eq!(unpack(&packed, bytes.len() as u64), Some(bytes.clone()));
        assert_eq!(unpack(&packed, bytes.len() as u64 - 1), None);
        for damaged in [&packed[..packed.len() / 2], b"", b"not packed", &[0xff; 40]] {
            assert_eq!(unpack(damaged, 1 << 20), None, "{damaged:?}");
        }
        assert_eq!(unpack(&pack(b""), 0), Some(Vec::new()));
    }
}
