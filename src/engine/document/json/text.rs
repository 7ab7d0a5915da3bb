//! JSON with places: RFC 8259, read into an arena with an explicit stack, so
//! that depth costs memory in proportion and no call stack.

use std::sync::Arc;

use crate::document::code::Code;
use crate::document::diagnostic::Diagnostic;
use crate::document::limits::Limits;
use crate::document::scan::over;
use crate::document::text::{Span, Str};

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// As written.
    Number(Str),
    String(Str),
    Array(Vec<usize>),
    Object(Vec<(Str, usize)>),
}

/// Every value of a text; the last is the outermost one.
#[derive(Debug, Default)]
pub(super) struct Arena {
    values: Vec<Value>,
}

impl Arena {
    pub(super) fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index)
    }

    pub(super) fn root(&self) -> Option<&Value> {
        self.values.last()
    }

    /// The member `name` of an object.
    pub(super) fn member(&self, of: &Value, name: &str) -> Option<&Value> {
        let Kind::Object(members) = &of.kind else { return None };
        members.iter().find(|(n, _)| n == name).and_then(|(_, v)| self.get(*v))
    }

    /// The items of an array; nothing for anything else.
    pub(super) fn items<'a>(&'a self, of: &'a Value) -> impl Iterator<Item = &'a Value> + 'a {
        let items: &[usize] = match &of.kind {
            Kind::Array(items) => items,
            _ => &[],
        };
        items.iter().filter_map(|&i| self.get(i))
    }

    /// The members of an object; nothing for anything else.
    pub(super) fn members<'a>(
        &'a self,
        of: &'a Value,
    ) -> impl Iterator<Item = (&'a Str, &'a Value)> + 'a {
        let members: &[(Str, usize)] = match &of.kind {
            Kind::Object(members) => members,
            _ => &[],
        };
        members.iter().filter_map(|(n, i)| Some((n, self.get(*i)?)))
    }
}

enum Open {
    Array(usize, Vec<usize>),
    Object(usize, Vec<(Str, usize)>, Option<Str>),
}

struct Reader<'s> {
    source: &'s str,
    ours: Arc<str>,
    at: usize,
}

/// Reads one value and nothing behind it.
pub(super) fn read(source: &str, ours: &Arc<str>, limits: &Limits) -> Result<Arena, Diagnostic> {
    let mut reader = Reader { source, ours: Arc::clone(ours), at: 0 };
    if source.starts_with('\u{feff}') {
        reader.at = 3;
    }
    let most = limits.elements.saturating_mul(8);
    let mut arena = Arena::default();
    let mut open: Vec<Open> = Vec::new();
    loop {
        if arena.values.len() > most {
            return Err(over("elements", reader.at, arena.values.len(), most));
        }
        reader.space();
        // A container that may end here, or needs a key first.
        match open.last_mut() {
            Some(Open::Array(_, items)) if items.is_empty() && reader.peek() == Some(b']') => {}
            Some(Open::Object(_, members, key)) => {
                if members.is_empty() && reader.peek() == Some(b'}') {
                } else {
                    if reader.peek() != Some(b'"') {
                        return Err(reader.expected("a name in quotes"));
                    }
                    *key = Some(reader.string()?);
                    reader.space();
                    reader.take(b':')?;
                    reader.space();
                }
            }
            _ => {}
        }
        let start = reader.at;
        let mut done = match reader.peek() {
            Some(b'[') => {
                reader.at += 1;
                open.push(Open::Array(start, Vec::new()));
                None
            }
            Some(b'{') => {
                reader.at += 1;
                open.push(Open::Object(start, Vec::new(), None));
                None
            }
            Some(b']' | b'}') => reader.close(&mut open, &mut arena)?,
            _ => {
                let kind = reader.scalar()?;
                Some(arena.push(kind, start, reader.at))
            }
        };
        if open.len() > limits.depth {
            return Err(over("depth", start, open.len(), limits.depth));
        }
        // A finished value goes into what is open, which may finish with it.
        while let Some(index) = done.take() {
            match open.last_mut() {
                None => {
                    reader.space();
                    if reader.at < source.len() {
                        return Err(reader.expected("the end of the text"));
                    }
                    return Ok(arena);
                }
                Some(Open::Array(_, items)) => items.push(index),
                Some(Open::Object(_, members, key)) => {
                    members.push((key.take().unwrap_or_else(|| Str::from("")), index));
                }
            }
            reader.space();
            match reader.peek() {
                Some(b',') => {
                    reader.at += 1;
                    reader.space();
                    if matches!(reader.peek(), Some(b']' | b'}')) {
                        return Err(reader.expected("a value after the comma"));
                    }
                }
                Some(b']' | b'}') => done = reader.close(&mut open, &mut arena)?,
                _ => return Err(reader.expected("`,` or the end of the list")),
            }
        }
    }
}

impl Arena {
    fn push(&mut self, kind: Kind, start: usize, end: usize) -> usize {
        self.values.push(Value { kind, span: Span::new(start, end) });
        self.values.len() - 1
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Diagnostic> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.expected(&format!("`{}`", byte as char)))
        }
    }

    fn close(
        &mut self,
        open: &mut Vec<Open>,
        arena: &mut Arena,
    ) -> Result<Option<usize>, Diagnostic> {
        let byte = self.peek();
        match (open.pop(), byte) {
            (Some(Open::Array(start, items)), Some(b']')) => {
                self.at += 1;
                Ok(Some(arena.push(Kind::Array(items), start, self.at)))
            }
            (Some(Open::Object(start, members, None)), Some(b'}')) => {
                self.at += 1;
                Ok(Some(arena.push(Kind::Object(members), start, self.at)))
            }
            _ => Err(self.expected("a value")),
        }
    }

    fn expected(&self, what: &str) -> Diagnostic {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let (found, length) = match rest.chars().next() {
            None => ("the end of the text".to_owned(), 0),
            Some(c) => (format!("`{}`", c.escape_debug()), c.len_utf8()),
        };
        let message = format!("expected {what}, found {found}");
        Diagnostic::error(Code::Json, Span::new(self.at, self.at + length), message)
    }

    fn scalar(&mut self) -> Result<Kind, Diagnostic> {
        let rest = self.source.get(self.at..).unwrap_or_default();
        for (word, kind) in
            [("null", Kind::Null), ("true", Kind::Bool(true)), ("false", Kind::Bool(false))]
        {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        match self.peek() {
            Some(b'"') => self.string().map(Kind::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.expected("a value")),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Kind, Diagnostic> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let zero = self.peek() == Some(b'0');
        let whole = self.digits();
        let mut good = whole > 0 && !(zero && whole > 1);
        if self.peek() == Some(b'.') {
            self.at += 1;
            good &= self.digits() > 0;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            good &= self.digits() > 0;
        }
        let span = Span::new(start, self.at);
        let text = Str::slice(&self.ours, start, self.at);
        if !good || !text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(Diagnostic::error(Code::Json, span, "this is not a finite number"));
        }
        Ok(Kind::Number(text))
    }

    /// A string; the piece of the source itself where nothing is escaped.
    fn string(&mut self) -> Result<Str, Diagnostic> {
        let open = self.at;
        self.at += 1;
        let mut owned: Option<String> = None;
        let mut from = self.at;
        loop {
            let at = self.at;
            match self.peek() {
                None => {
                    let span = Span::new(open, open + 1);
                    return Err(Diagnostic::error(Code::Json, span, "the string does not end"));
                }
                Some(b'"') => {
                    self.at += 1;
                    let piece = self.source.get(from..at).unwrap_or_default();
                    let text = match owned {
                        None => Str::slice(&self.ours, from, at),
                        Some(mut text) => {
                            text.push_str(piece);
                            Str::from(text)
                        }
                    };
                    return Ok(text);
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(self.source.get(from..at).unwrap_or_default());
                    let c = self.escape()?;
                    text.push(c);
                    from = self.at;
                }
                Some(0..=0x1f) => {
                    let span = Span::new(at, at + 1);
                    let message = "a control character in a string; escape it";
                    return Err(Diagnostic::error(Code::Json, span, message));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, Diagnostic> {
        let start = self.at;
        let bad = |end: usize| {
            Diagnostic::error(Code::Json, Span::new(start, end), "this escape means no character")
        };
        let letter = self.source.as_bytes().get(start + 1).copied();
        self.at += 2;
        let c = match letter {
            Some(c @ (b'"' | b'\\' | b'/')) => c as char,
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'u') => {
                let high = self.hex().ok_or_else(|| bad(start + 2))?;
                let code = if (0xd800..0xdc00).contains(&high) {
                    let rest = self.source.get(self.at..).unwrap_or_default();
                    if !rest.starts_with("\\u") {
                        return Err(bad(start + 6));
                    }
                    self.at += 2;
                    let low = self.hex().filter(|l| (0xdc00..0xe000).contains(l));
                    let low = low.ok_or_else(|| bad(start + 6))?;
                    0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    high
                };
                char::from_u32(code).ok_or_else(|| bad(start + 6))?
            }
            _ => return Err(bad((start + 1).min(self.source.len()))),
        };
        // What XML cannot hold, no document can.
        if (c < ' ' && !matches!(c, '\n' | '\t' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}') {
            return Err(bad(self.at.min(self.source.len())));
        }
        Ok(c)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.source.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(source: &str) -> Result<Arena, Diagnostic> {
        read(source, &Arc::from(source), &Limits::default())
    }

    #[test]
    fn what_is_no_json_is_refused_at_its_place() {
        for (source, at) in [
            ("{", 1),
            ("{\"a\" 1}", 5),
            ("{\"a\":1,}", 7),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("{\"a\":]", 5),
            ("[}", 1),
            ("]", 0),
            ("[1e999]", 1),
            ("[01]", 1),
            ("[\"\\ud800x\"]", 2),
            ("[\"\\u0000\"]", 2),
            ("[\"\n\"]", 2),
            ("\"open", 0),
            ("1 1", 2),
            ("{\"a\":1]", 6),
            ("", 0),
        ] {
            let found = outcome(source).expect_err(source);
            assert_eq!((found.code, found.span.start), (Code::Json, at), "{source}");
        }
    }

    #[test]
    fn values_keep_their_places_and_escapes_are_resolved() {
        let arena = outcome(r#" {"a": [1, -2.5e3, "x\u00e9\ud83d\ude00"], "b": {}} "#).unwrap();
        let root = arena.root().unwrap();
        let a = arena.member(root, "a").unwrap();
        assert_eq!((a.span.start, a.span.end), (7, 41));
        let last = arena.items(a).last().unwrap();
        assert!(matches!(&last.kind, Kind::String(s) if s == "xé😀"));
    }

    #[test]
    fn depth_is_bounded_without_using_the_call_stack() {
        let found = outcome(&"[".repeat(100_000)).unwrap_err();
        assert_eq!(found.code, "limit-depth");
    }
}
