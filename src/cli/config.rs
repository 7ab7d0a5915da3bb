use std::fmt::Write as _;
use std::process::ExitCode;

use svgx_server::config::{self, Flags};

use super::files;

/// Takes the same flags as `svgx serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        match config::load(&self.flags, std::env::vars()) {
            Ok(loaded) => {
                let mut text = String::new();
                let widest = loaded.given.iter().map(|g| g.key.len()).max().unwrap_or(0);
                for g in &loaded.given {
                    let shown = if g.shown.is_empty() { "none" } else { &g.shown };
                    // Writing into a string cannot fail.
                    let _ = writeln!(text, "{:widest$} = {shown:<24} # {}", g.key, g.origin);
                }
                for (name, value) in limits(&loaded.config.limits) {
                    let _ = writeln!(text, "limits.{name} = {value}");
                }
                for notice in &loaded.notices {
                    files::error(format_args!("notice: {notice}"));
                }
                files::write(None, text.as_bytes())
            }
            Err(error) => files::failed(&format!("config: {error}")),
        }
    }
}

fn limits(limits: &svgx_engine::document::Limits) -> Vec<(String, String)> {
    match serde_json::to_value(limits) {
        Ok(serde_json::Value::Object(all)) => {
            all.into_iter().map(|(name, value)| (name, value.to_string())).collect()
        }
        _ => Vec::new(),
    }
}
