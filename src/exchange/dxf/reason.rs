//! Why an entity is not drawn.

/// Why an entity is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// Its kind has no picture here.
    Kind,
    /// A number is none, or is not finite, or is beyond 1e12.
    Number,
    /// It has no points.
    Empty,
    /// It names a block that there is not.
    NoBlock,
    /// Its block contains itself.
    Recursive,
    /// A viewport that shows nothing, or nothing that a sheet can show.
    View,
    /// There are more sheets or views than a document has.
    Sheets,
    /// A template of text, which an insert fills in.
    Template,
}

impl Reason {
    pub(super) fn code(self) -> &'static str {
        match self {
            Reason::Kind => "dxf-kind",
            Reason::Number => "dxf-number",
            Reason::Empty => "dxf-empty",
            Reason::NoBlock => "dxf-no-block",
            Reason::Recursive => "dxf-recursive-block",
            Reason::View => "dxf-view",
            Reason::Sheets => "dxf-paper",
            Reason::Template => "dxf-template",
        }
    }

    pub(super) fn sentence(self) -> &'static str {
        match self {
            Reason::Kind => "entities of this kind are not drawn",
            Reason::Number => "a number cannot be read, or is beyond 1e12",
            Reason::Empty => "it has too few points to be drawn",
            Reason::NoBlock => "it names a block that is not in the file",
            Reason::Recursive => "its block contains itself",
            Reason::View => "it is off, or shows the model turned, from aside or not at all",
            Reason::Sheets => "a document has 100 sheets, and a sheet 100 views",
            Reason::Template => "it is a template: what inserts fill in is drawn instead",
        }
    }
}
