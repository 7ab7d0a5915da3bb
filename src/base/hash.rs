//! FNV-1a (Fowler, Noll and Vo), for short keys and fingerprints. Not for keys that an
//! attacker chooses to collide.

/// The start of a 64-bit hash.
pub const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// Adds words to a hash that began at [`FNV_OFFSET`], or goes on from there.
pub fn fnv1a_words(hash: u64, words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(hash, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01b3))
}

/// Adds bytes to a hash that began at [`FNV_OFFSET`], or goes on from there.
pub fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    fnv1a_words(hash, bytes.iter().map(|byte| u64::from(*byte)))
}

/// The 32-bit hash of bytes.
pub fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_published_test_vectors() {
        for (text, narrow, wide) in [
            ("", 0x811c_9dc5, FNV_OFFSET),
            ("a", 0xe40c_292c, 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0xbf9c_f968, 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a_32(text.as_bytes()), narrow, "{text}");
            assert_eq!(fnv1a(FNV_OFFSET, text.as_bytes()), wide, "{text}");
        }
    }
}
