//! Geometric constraints: decompose, solve, diagnose.
