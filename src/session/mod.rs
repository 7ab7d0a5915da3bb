//! Interactive state, undo log, and the store behind them.
