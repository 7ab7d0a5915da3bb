//! Where in a JSON text a value stands.

/// Line and column, from 1, of the value that a JSON pointer (RFC 6901) means in a text
/// that is known to be JSON. `None` where there is no such value.
pub(crate) fn json_position(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = space(bytes, 0);
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        at = match bytes.get(at)? {
            b'{' => member(text, at, &token)?,
            b'[' => element(bytes, at, token.parse().ok()?)?,
            _ => return None,
        };
    }
    let before = text.get(..at)?;
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    Some((line, before.get(start..)?.chars().count() + 1))
}

fn space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// One past the end of the value that starts at `at`.
fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    let (mut depth, mut i) = (0_usize, at);
    loop {
        match bytes.get(i)? {
            b'"' => i = string_end(bytes, i)?,
            b'{' | b'[' => {
                depth += 1;
                i += 1;
            }
            b'}' | b']' if depth == 0 => return Some(i),
            b'}' | b']' => {
                depth -= 1;
                i += 1;
            }
            b',' if depth == 0 => return Some(i),
            _ => i += 1,
        }
        if depth == 0 && matches!(bytes.get(i), None | Some(b',' | b'}' | b']')) {
            return Some(i);
        }
    }
}

fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut i = at + 1;
    loop {
        match bytes.get(i)? {
            b'\\' => i += 2,
            b'"' => return Some(i + 1),
            _ => i += 1,
        }
    }
}

fn member(text: &str, at: usize, name: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut i = space(bytes, at + 1);
    while bytes.get(i) == Some(&b'"') {
        let end = string_end(bytes, i)?;
        let key: String = serde_json::from_str(text.get(i..end)?).ok()?;
        i = space(bytes, space(bytes, end) + 1);
        if key == name {
            return Some(i);
        }
        i = space(bytes, skip(bytes, i)?);
        if bytes.get(i) == Some(&b',') {
            i = space(bytes, i + 1);
        }
    }
    None
}

fn element(bytes: &[u8], at: usize, number: usize) -> Option<usize> {
    let mut i = space(bytes, at + 1);
    for _ in 0..number {
        i = space(bytes, skip(bytes, i)?);
        if bytes.get(i) != Some(&b',') {
            return None;
        }
        i = space(bytes, i + 1);
    }
    (bytes.get(i) != Some(&b']')).then_some(i)
}

#[cfg(test)]
mod tests {
    use super::json_position;

    #[test]
    fn a_pointer_finds_its_line_and_column() {
        let text =
            "{\n  \"a\": [1, {\"b/c\": \"x,]\\\"\"},\n    [2, 3]],\n  \"d\": {\"e\": null}\n}";
        for (pointer, expected) in [
            ("", Some((1, 1))),
            ("/a", Some((2, 8))),
            ("/a/0", Some((2, 9))),
            ("/a/1/b~1c", Some((2, 20))),
            ("/a/2/1", Some((3, 9))),
            ("/d/e", Some((4, 14))),
            ("/a/3", None),
            ("/x", None),
            ("/a/0/y", None),
        ] {
            assert_eq!(json_position(text, pointer), expected, "{pointer}");
        }
    }
}
