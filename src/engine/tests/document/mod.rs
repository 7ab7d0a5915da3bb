//! Reading, checking and writing documents.

mod dialects;
mod hostile;
mod language;
mod spelling;
