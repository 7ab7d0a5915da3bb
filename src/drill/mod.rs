//! Chaos experiments and runbook drills.
