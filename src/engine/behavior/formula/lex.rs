//! Text to tokens.

use crate::behavior::unit::number_end;
use crate::document::{Code, Diagnostic, Span};

/// What a token is. Names and symbols are read from the text through the span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    /// An identifier: letters, digits, underscores; not starting with a digit.
    Word,
    /// `'...'`, the span without the quotes: an object id that is no word.
    Quoted,
    /// `[...]`, the span without the brackets: a unit.
    Bracketed,
    Symbol(Symbol),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Plus,
    Minus,
    Star,
    Slash,
    Power,
    Open,
    Close,
    Comma,
    Dot,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
    Not,
    Percent,
}

const SYMBOLS: &[(&str, Symbol)] = &[
    ("**", Symbol::Power),
    ("<=", Symbol::LessEqual),
    (">=", Symbol::GreaterEqual),
    ("==", Symbol::Equal),
    ("!=", Symbol::NotEqual),
    ("&&", Symbol::And),
    ("||", Symbol::Or),
    ("+", Symbol::Plus),
    ("-", Symbol::Minus),
    ("−", Symbol::Minus),
    ("*", Symbol::Star),
    ("·", Symbol::Star),
    ("×", Symbol::Star),
    ("/", Symbol::Slash),
    ("÷", Symbol::Slash),
    ("^", Symbol::Power),
    ("(", Symbol::Open),
    (")", Symbol::Close),
    (",", Symbol::Comma),
    (";", Symbol::Comma),
    (".", Symbol::Dot),
    ("<", Symbol::Less),
    ("≤", Symbol::LessEqual),
    (">", Symbol::Greater),
    ("≥", Symbol::GreaterEqual),
    ("≠", Symbol::NotEqual),
    ("!", Symbol::Not),
    ("%", Symbol::Percent),
];

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Lexer<'t> {
        Lexer { text, at: 0 }
    }

    pub(super) fn next(&mut self) -> Result<(Token, Span), Diagnostic> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        let start = self.at;
        let rest = trimmed;
        let Some(c) = rest.chars().next() else {
            return Ok((Token::End, Span::new(start, start)));
        };
        if c.is_ascii_digit()
            || (c == '.' && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit))
        {
            return self.number(rest, start);
        }
        if is_word_start(c) {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            self.at += end;
            return Ok((Token::Word, Span::new(start, self.at)));
        }
        for (open, close, token) in [('\'', '\'', Token::Quoted), ('[', ']', Token::Bracketed)] {
            if c == open {
                let Some(length) = rest[1..].find(close) else {
                    let span = Span::new(start, self.text.len());
                    return Err(Diagnostic::error(
                        Code::FormulaSyntax,
                        span,
                        format!("{open} is never closed by {close}"),
                    ));
                };
                self.at += length + 2;
                return Ok((token, Span::new(start + 1, start + 1 + length)));
            }
        }
        for (text, symbol) in SYMBOLS {
            if rest.starts_with(text) {
                self.at += text.len();
                return Ok((Token::Symbol(*symbol), Span::new(start, self.at)));
            }
        }
        self.at += c.len_utf8();
        let d = Diagnostic::error(
            Code::FormulaSyntax,
            Span::new(start, self.at),
            format!("unexpected character {c:?}"),
        );
        Err(if c == '=' { d.help("equality is written ==") } else { d })
    }

    fn number(&mut self, rest: &str, start: usize) -> Result<(Token, Span), Diagnostic> {
        let end = number_end(rest);
        self.at += end;
        let span = Span::new(start, self.at);
        let number: f64 = rest.get(..end).and_then(|t| t.parse().ok()).unwrap_or(f64::NAN);
        if !number.is_finite() {
            return Err(Diagnostic::error(
                Code::FormulaNumber,
                span,
                "this number is too large; the largest is about 1.8e308",
            ));
        }
        Ok((Token::Number(number), span))
    }
}

pub(super) fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '°' || c == 'Ω'
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '°'
}
