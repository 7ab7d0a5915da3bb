//! Alertmanager: routing, grouping and inhibition.

use super::Artefact;
use super::yaml::Yaml;

/// The configuration. Receivers are webhooks whose credentials are files, so that
/// no secret stands in a repository or in an environment.
pub(crate) fn artefacts() -> Vec<Artefact> {
    let mut y = Yaml::new("Routing for Alertmanager; checked with amtool.");
    y.line(0, "route:");
    y.line(1, "receiver: ticket");
    y.line(1, "group_by: [alertname, slo]");
    y.line(1, "group_wait: 10s");
    y.line(1, "group_interval: 1m");
    y.line(1, "repeat_interval: 4h");
    y.line(1, "routes:");
    y.line(2, "- matchers: ['severity=\"critical\"']");
    y.line(3, "receiver: page");
    y.line(3, "repeat_interval: 1h");
    y.line(0, "inhibit_rules:");
    y.line(
        1,
        "# An instance that is down explains the alerts of that instance, and no other's: an",
    );
    y.line(1, "# alert without an instance is about all of them.");
    y.line(1, "- source_matchers: ['alertname=\"ServiceDown\"', 'instance!=\"\"']");
    y.line(2, "target_matchers: ['alertname!=\"ServiceDown\"', 'instance!=\"\"']");
    y.line(2, "equal: [service, instance]");
    y.line(1, "# Without an instance it says that none is left: that explains everything.");
    y.line(1, "- source_matchers: ['alertname=\"ServiceDown\"', 'instance=\"\"']");
    y.line(2, "target_matchers: ['alertname!=\"ServiceDown\"']");
    y.line(2, "equal: [service]");
    y.line(1, "# The page of a budget explains its tickets.");
    y.line(1, "- source_matchers: ['severity=\"critical\"']");
    y.line(2, "target_matchers: ['severity=\"warning\"']");
    y.line(2, "equal: [service, slo]");
    y.line(0, "receivers:");
    for name in ["page", "ticket"] {
        y.line(1, format!("- name: {name}"));
        y.line(2, "webhook_configs:");
        y.line(3, format!("- url: http://alert-receiver:5001/{name}"));
        y.line(4, "send_resolved: true");
        y.line(4, "http_config:");
        y.line(5, "authorization:");
        y.line(6, format!("credentials_file: /etc/alertmanager/secrets/{name}"));
    }
    vec![Artefact { path: "alerts/alertmanager.yaml".to_owned(), text: y.text() }]
}
