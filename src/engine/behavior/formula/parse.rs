//! Tokens to postfix, by operator precedence with a stack of our own
//! (E. W. Dijkstra, "An ALGOL 60 translator for the X1", 1961).

use super::function::{self, Function};
use super::lex::{Lexer, Symbol, Token};
use crate::behavior::unit::Unit;
use crate::document::{Code, Diagnostic, Limits, Span};

/// A formula in postfix: operands before their operator.
#[derive(Clone, Debug)]
pub(in crate::behavior) struct Parsed {
    pub(in crate::behavior) nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::behavior) struct Node {
    pub(in crate::behavior) kind: Kind,
    /// The operand, the operator's symbol, or the function's name.
    pub(in crate::behavior) span: Span,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::behavior) enum Kind {
    Number(f64),
    Quantity(f64, Unit),
    Boolean(bool),
    Name { object: Option<Span>, name: Span },
    Negate,
    Not,
    Binary(Binary),
    Call(&'static Function, u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::behavior) enum Binary {
    Or,
    And,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Binary {
    fn of(symbol: Symbol) -> Option<Binary> {
        Some(match symbol {
            Symbol::Plus => Binary::Add,
            Symbol::Minus => Binary::Subtract,
            Symbol::Star => Binary::Multiply,
            Symbol::Slash => Binary::Divide,
            Symbol::Power => Binary::Power,
            Symbol::Less => Binary::Less,
            Symbol::LessEqual => Binary::LessEqual,
            Symbol::Greater => Binary::Greater,
            Symbol::GreaterEqual => Binary::GreaterEqual,
            Symbol::Equal => Binary::Equal,
            Symbol::NotEqual => Binary::NotEqual,
            Symbol::And => Binary::And,
            Symbol::Or => Binary::Or,
            _ => return None,
        })
    }

    fn precedence(self) -> u8 {
        match self {
            Binary::Or => 1,
            Binary::And => 2,
            Binary::Less
            | Binary::LessEqual
            | Binary::Greater
            | Binary::GreaterEqual
            | Binary::Equal
            | Binary::NotEqual => 4,
            Binary::Add | Binary::Subtract => 5,
            Binary::Multiply | Binary::Divide => 6,
            Binary::Power => 8,
        }
    }
}

const NOT: u8 = 3;
const SIGN: u8 = 7;

#[derive(Clone, Copy)]
enum Frame {
    Binary(Binary),
    Negate,
    Plus,
    Not,
    Open,
    Call(&'static Function, u16),
}

impl Frame {
    fn precedence(self) -> u8 {
        match self {
            Frame::Binary(b) => b.precedence(),
            Frame::Negate | Frame::Plus => SIGN,
            Frame::Not => NOT,
            Frame::Open | Frame::Call(..) => 0,
        }
    }

    /// Whether it counts as nesting: these can follow each other without end.
    fn nests(self) -> bool {
        !matches!(self, Frame::Binary(b) if b != Binary::Power)
    }
}

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    token: Token,
    span: Span,
    stack: Vec<(Frame, Span)>,
    nesting: usize,
    depth: usize,
    nodes: Vec<Node>,
}

/// Parses `text`. Spans count from its start.
pub(in crate::behavior) fn parse(text: &str, limits: &Limits) -> Result<Parsed, Diagnostic> {
    if text.len() > limits.formula_bytes {
        return Err(Diagnostic::error(
            Code::LimitFormulaBytes,
            Span::new(0, text.len()),
            format!("the formula has {} bytes; the limit is {}", text.len(), limits.formula_bytes),
        ));
    }
    let mut lexer = Lexer::new(text);
    let (token, span) = lexer.next()?;
    let mut parser = Parser {
        text,
        lexer,
        token,
        span,
        stack: Vec::new(),
        nesting: 0,
        depth: limits.formula_depth,
        nodes: Vec::new(),
    };
    if token == Token::End {
        return Err(Diagnostic::error(Code::FormulaSyntax, span, "the formula is empty"));
    }
    parser.run()?;
    Ok(Parsed { nodes: parser.nodes })
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), Diagnostic> {
        loop {
            if !self.operand()? {
                continue;
            }
            // An operand is complete: operators, closings, then the next operand or the end.
            loop {
                match self.token {
                    Token::Symbol(Symbol::Close) => self.close()?,
                    Token::Symbol(Symbol::Comma) => {
                        self.reduce(1);
                        match self.stack.last_mut() {
                            Some((Frame::Call(_, count), _)) => *count = count.saturating_add(1),
                            _ => return Err(self.unexpected("an operator")),
                        }
                        self.advance()?;
                        break;
                    }
                    Token::End => {
                        self.reduce(1);
                        return match self.stack.last() {
                            None => Ok(()),
                            Some((_, span)) => Err(Diagnostic::error(
                                Code::FormulaSyntax,
                                *span,
                                "this parenthesis is never closed",
                            )),
                        };
                    }
                    _ => {
                        let Some(operator) = self.operator() else {
                            return Err(self.unexpected("an operator"));
                        };
                        // Right associative: an equal power stays on the stack.
                        let bound = operator.precedence();
                        self.reduce(if operator == Binary::Power { bound + 1 } else { bound });
                        self.push(Frame::Binary(operator))?;
                        self.advance()?;
                        break;
                    }
                }
            }
        }
    }

    fn operator(&self) -> Option<Binary> {
        match self.token {
            Token::Symbol(symbol) => Binary::of(symbol),
            Token::Word => match self.word() {
                w if w.eq_ignore_ascii_case("and") => Some(Binary::And),
                w if w.eq_ignore_ascii_case("or") => Some(Binary::Or),
                _ => None,
            },
            _ => None,
        }
    }

    /// Reads a prefix or an operand; whether it was an operand.
    fn operand(&mut self) -> Result<bool, Diagnostic> {
        match self.token {
            Token::Symbol(Symbol::Open) => self.prefix(Frame::Open),
            Token::Symbol(Symbol::Minus) => self.prefix(Frame::Negate),
            Token::Symbol(Symbol::Plus) => self.prefix(Frame::Plus),
            Token::Symbol(Symbol::Not) => self.prefix(Frame::Not),
            Token::Number(number) => self.number(number),
            Token::Word if self.word().eq_ignore_ascii_case("not") => self.prefix(Frame::Not),
            Token::Word | Token::Quoted => self.name(),
            // `f()`: a call without arguments closes where an operand was expected.
            Token::Symbol(Symbol::Close) => match self.stack.last_mut() {
                Some((Frame::Call(_, count), _)) if *count == 1 => {
                    *count = 0;
                    self.close()?;
                    Ok(true)
                }
                _ => Err(self.unexpected("a value")),
            },
            _ => Err(self.unexpected("a value")),
        }
    }

    fn prefix(&mut self, frame: Frame) -> Result<bool, Diagnostic> {
        self.push(frame)?;
        self.advance()?;
        Ok(false)
    }

    fn number(&mut self, number: f64) -> Result<bool, Diagnostic> {
        let mut span = self.span;
        self.advance()?;
        let simple = match self.token {
            Token::Bracketed => Some(false),
            Token::Word if self.operator().is_none() => Some(true),
            Token::Symbol(Symbol::Percent) => Some(true),
            _ => None,
        };
        let Some(simple) = simple else {
            self.nodes.push(Node { kind: Kind::Number(number), span });
            return Ok(true);
        };
        let unit: Unit =
            self.word().parse().map_err(|e: crate::behavior::unit::ParseUnitError| {
                let d = Diagnostic::error(Code::UnknownUnit, self.span, e.to_string());
                match e.help() {
                    Some(help) => d.help(help),
                    None => d,
                }
            })?;
        let written = self.word().to_owned();
        span.end = self.span.end;
        self.advance()?;
        if simple && self.token == Token::Symbol(Symbol::Power) {
            return Err(Diagnostic::error(
                Code::FormulaSyntax,
                span,
                "a power after a number with a unit can be read in two ways",
            )
            .help(format!("write {number} [{written}^2] or ({number} {written})^2")));
        }
        self.nodes.push(Node { kind: Kind::Quantity(number, unit), span });
        Ok(true)
    }

    fn name(&mut self) -> Result<bool, Diagnostic> {
        let first = self.span;
        let quoted = self.token == Token::Quoted;
        self.advance()?;
        if !quoted && self.token == Token::Symbol(Symbol::Open) {
            let name = text_of(self.text, first);
            let Some(function) = function::find(name) else {
                let near = function::suggest(name);
                let d = Diagnostic::error(
                    Code::UnknownFunction,
                    first,
                    format!("there is no function {name:?}"),
                );
                return Err(match near {
                    Some(near) => d.help(format!("did you mean {near}?")),
                    None => d,
                });
            };
            self.stack_push(Frame::Call(function, 1), first)?;
            self.advance()?;
            return Ok(false);
        }
        let (mut object, mut name) = (None, first);
        while self.token == Token::Symbol(Symbol::Dot) {
            self.advance()?;
            if self.token != Token::Word {
                return Err(self.unexpected("a name"));
            }
            object = Some(Span { start: first.start, end: name.end });
            name = self.span;
            self.advance()?;
        }
        if quoted && object.is_none() {
            return Err(Diagnostic::error(Code::FormulaSyntax, first, "text is no value")
                .help("an object's value is written 'object'.name"));
        }
        let span = Span { start: first.start, end: name.end };
        let kind = match text_of(self.text, span) {
            "true" => Kind::Boolean(true),
            "false" => Kind::Boolean(false),
            _ => Kind::Name { object, name },
        };
        self.nodes.push(Node { kind, span });
        Ok(true)
    }

    fn close(&mut self) -> Result<(), Diagnostic> {
        self.reduce(1);
        let span = self.span;
        match self.pop() {
            Some((Frame::Open, _)) => {}
            Some((Frame::Call(function, count), at)) => {
                if !function.arity.contains(&count) {
                    return Err(Diagnostic::error(
                        Code::FormulaArguments,
                        Span { start: at.start, end: span.end },
                        format!("{} takes {}, not {count}", function.name, function.arguments()),
                    ));
                }
                self.nodes.push(Node { kind: Kind::Call(function, count), span: at });
            }
            _ => {
                return Err(Diagnostic::error(
                    Code::FormulaSyntax,
                    span,
                    "this parenthesis closes nothing",
                ));
            }
        }
        self.advance()
    }

    /// Moves operators that bind at least as tightly as `precedence` to the output.
    fn reduce(&mut self, precedence: u8) {
        while let Some(&(frame, span)) = self.stack.last() {
            if frame.precedence() < precedence {
                break;
            }
            self.pop();
            let kind = match frame {
                Frame::Binary(b) => Kind::Binary(b),
                Frame::Negate => Kind::Negate,
                Frame::Not => Kind::Not,
                Frame::Plus => continue,
                Frame::Open | Frame::Call(..) => break,
            };
            self.nodes.push(Node { kind, span });
        }
    }

    fn push(&mut self, frame: Frame) -> Result<(), Diagnostic> {
        self.stack_push(frame, self.span)
    }

    fn stack_push(&mut self, frame: Frame, span: Span) -> Result<(), Diagnostic> {
        self.nesting += usize::from(frame.nests());
        if self.nesting > self.depth {
            return Err(Diagnostic::error(
                Code::LimitFormulaDepth,
                span,
                format!("the formula is nested deeper than {}, which is the limit", self.depth),
            ));
        }
        self.stack.push((frame, span));
        Ok(())
    }

    fn pop(&mut self) -> Option<(Frame, Span)> {
        let top = self.stack.pop()?;
        self.nesting = self.nesting.saturating_sub(usize::from(top.0.nests()));
        Some(top)
    }

    fn advance(&mut self) -> Result<(), Diagnostic> {
        (self.token, self.span) = self.lexer.next()?;
        Ok(())
    }

    fn word(&self) -> &str {
        text_of(self.text, self.span)
    }

    fn unexpected(&self, expected: &str) -> Diagnostic {
        let message = match self.token {
            Token::End => format!("{expected} was expected, but the formula ends here"),
            _ => format!("{expected} was expected, not {:?}", self.word()),
        };
        Diagnostic::error(Code::FormulaSyntax, self.span, message)
    }
}

fn text_of(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_default()
}
