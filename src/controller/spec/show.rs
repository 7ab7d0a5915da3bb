//! The objectives and what is derived from them, for people.

use std::fmt::Write;

use super::Spec;

/// Prints the spec and the derivation of the controller's constants.
pub fn show(spec: &Spec) -> String {
    let mut out = String::new();
    let policy = &spec.policy;
    let _ = writeln!(out, "spec {}\n", spec.fingerprint());
    for objective in &spec.objectives {
        let allowed = objective.target.complement();
        let _ = writeln!(
            out,
            "{} ({}): {} within {} s",
            objective.class, objective.slo, objective.target, objective.threshold
        );
        let _ = writeln!(out, "  reference work   {}", objective.reference);
        let _ = writeln!(out, "  allowed outside  1 - {} = {allowed}", objective.target);
        for (name, factor) in
            [("trim down above", policy.trim_down_at), ("trim up below", policy.trim_up_at)]
        {
            if let Some(value) = factor.product(allowed) {
                let _ = writeln!(out, "  {name:<16} {factor} x {allowed} = {value}");
            }
        }
        let _ = writeln!(out, "  share, weight    {}, {}", objective.share, objective.weight);
        for operation in &objective.operations {
            let prior = operation.cost.mul_f64(policy.optimism);
            let _ = writeln!(
                out,
                "  prior {:<16} {} x {:?} = {prior:?} for {} {}",
                operation.name, policy.optimism, operation.cost, operation.size, operation.unit
            );
        }
        out.push('\n');
    }
    let _ = writeln!(out, "stated in {}: {:#?}", spec.service.file, policy);
    out
}
