//! A payload with its checksum. The checksum covers what the payload is and where it belongs,
//! so a record that turns up in another's place is as damaged as one with a flipped bit.

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Text = 1,
    Snapshot = 2,
    Record = 3,
    Change = 4,
}

const VERSION: u8 = 1;
const SUM: usize = 16;
/// Bytes that sealing adds.
pub(super) const OVERHEAD: usize = 1 + SUM;

fn sum(kind: Kind, session: u64, sequence: u64, payload: &[u8]) -> [u8; SUM] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[VERSION, kind as u8]);
    hasher.update(&session.to_le_bytes());
    hasher.update(&sequence.to_le_bytes());
    hasher.update(payload);
    let mut sum = [0; SUM];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

pub(super) fn seal(kind: Kind, session: u64, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(OVERHEAD + payload.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&sum(kind, session, sequence, payload));
    sealed.extend_from_slice(payload);
    sealed
}

/// The payload; `None` when it is not what was sealed.
pub(super) fn open(kind: Kind, session: u64, sequence: u64, sealed: &[u8]) -> Option<&[u8]> {
    let (&version, rest) = sealed.split_first()?;
    let (found, payload) = rest.split_at_checked(SUM)?;
    (version == VERSION && found == sum(kind, session, sequence, payload)).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_payload_opens_only_unchanged_and_in_its_own_place() {
        let sealed = seal(Kind::Record, 7, 3, b"payload");
        assert_eq!(open(Kind::Record, 7, 3, &sealed), Some(&b"payload"[..]));
        for (kind, session, sequence) in
            [(Kind::Snapshot, 7, 3), (Kind::Record, 8, 3), (Kind::Record, 7, 4)]
        {
            assert_eq!(open(kind, session, sequence, &sealed), None);
        }
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 0x10;
            assert_eq!(open(Kind::Record, 7, 3, &damaged), None, "byte {at}");
            assert_eq!(open(Kind::Record, 7, 3, &sealed[..at]), None, "cut at {at}");
        }
    }
}
