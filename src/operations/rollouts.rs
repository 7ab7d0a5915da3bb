//! The analysis that Argo Rollouts runs between two steps of a release: the
//! ratios the alerts judge, held against the same objectives.

use svgx_controller::spec::Spec;

use super::yaml::Yaml;
use super::{Artefact, Error};
use svgx_base::duration;

/// The window a release is judged by, in seconds: the shortest that is recorded.
const WINDOW: u64 = 120;

/// One AnalysisTemplate with a metric for each objective on a ratio.
pub(crate) fn artefacts(spec: &Spec) -> Result<Vec<Artefact>, Error> {
    let mut yaml = Yaml::new("A release goes on while every objective is met.");
    yaml.line(0, "apiVersion: argoproj.io/v1alpha1");
    yaml.line(0, "kind: AnalysisTemplate");
    yaml.line(0, "metadata:");
    yaml.pair(1, "name", "svgx-engine");
    yaml.line(0, "spec:");
    yaml.line(1, "args:");
    yaml.line(2, "- name: prometheus");
    yaml.pair(3, "value", "http://prometheus:9090");
    yaml.line(1, "metrics:");
    for slo in spec.slos.iter().filter(|s| s.spec.indicator.spec.ratio_metric.is_some()) {
        let name = &slo.metadata.name;
        let Some(objective) = slo.spec.objectives.first() else {
            let message = format!("{name}: no objective");
            return Err(Error { file: slo.file.clone(), message });
        };
        let budget = objective.target.value.complement();
        yaml.line(2, format!("- name: {name}"));
        // The first windows after a step still hold what was before it.
        yaml.line(3, format!("initialDelay: {WINDOW}s"));
        yaml.line(3, "interval: 30s");
        yaml.line(3, "count: 10");
        yaml.line(3, "failureLimit: 1");
        // No sample: no traffic of this kind, and nothing to object to.
        let met = format!("len(result) == 0 || result[0] <= {budget}");
        yaml.pair(3, "successCondition", &met);
        yaml.line(3, "provider:");
        yaml.line(4, "prometheus:");
        yaml.pair(5, "address", "{{args.prometheus}}");
        let query =
            format!("slo:sli_error:ratio_rate{}{{slo=\"{name}\"}}", duration::exact(WINDOW));
        yaml.pair(5, "query", &query);
    }
    let path = "k8s/components/argo-rollouts/analysis-template.yaml".to_owned();
    Ok(vec![Artefact { path, text: yaml.text() }])
}
