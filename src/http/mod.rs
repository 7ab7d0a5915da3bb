//! Routes, keys, rate limits, problem documents.
