//! The command line: a flag for each setting.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::settings::{Kind, SETTINGS};

/// What the command line said: values by key, and the file.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub(super) values: BTreeMap<&'static str, Vec<String>>,
    pub(super) file: Option<PathBuf>,
}

impl clap::Args for Flags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let file = clap::Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("A TOML file with the settings below [env: SVGX_CONFIG]");
        let flags = SETTINGS.iter().map(|s| {
            let many = matches!(s.kind, Kind::Many | Kind::ManySecrets);
            clap::Arg::new(s.key)
                .long(s.key)
                .value_name("VALUE")
                .action(if many { clap::ArgAction::Append } else { clap::ArgAction::Set })
                .allow_hyphen_values(true)
                .help_heading(heading(s.key))
                .help(format!(
                    "{} [env: {}] [default: {}]",
                    s.help,
                    s.environment.join(", "),
                    if s.default.is_empty() { "none" } else { s.default },
                ))
        });
        command.arg(file).args(flags)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// Under which heading of `--help` a setting stands.
fn heading(key: &str) -> &'static str {
    match key {
        "listen" | "internal-listen" | "tls-cert" | "tls-key" | "cors-origin"
        | "max-connections" | "client-timeout" | "keep-alive" | "workers" => "Network",
        "api-key" | "api-keys-file" | "operator-key-file" => "Keys",
        "store" | "store-trust" => "Replicas",
        _ if key.starts_with("replica-") => "Replicas",
        _ if key.starts_with("rate-limit") => "Rates",
        "data-dir" | "open" | "cache-bytes" | "font-dir" => "Drawings and sessions",
        "max-body" | "max-body-total" | "request-timeout" => "Requests",
        "controller" | "operator" | "decision-log" | "compute-threads" | "slo-dir" => "Controller",
        "work" | "job-lease" | "job-checkpoint" => "Jobs",
        "drain-timeout" | "drain-delay" => "Stopping",
        _ => "Telemetry and environment",
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Flags { file: matches.get_one("config").cloned(), ..Flags::default() };
        for s in SETTINGS {
            if let Some(values) = matches.get_many::<String>(s.key) {
                flags.values.insert(s.key, values.cloned().collect());
            }
        }
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Flags {
    /// Sets a flag, as the command line would. Unknown keys are ignored here
    /// and cannot come from the command line.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Flags {
        if let Some(s) = SETTINGS.iter().find(|s| s.key == key) {
            self.values.entry(s.key).or_default().push(value.to_owned());
        }
        self
    }
}
