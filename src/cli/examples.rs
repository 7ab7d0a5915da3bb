//! The examples at the end of every `--help`, in one table. A test holds the table to the commands:
//! each has one, and each is a line that the command line accepts.

use clap::CommandFactory as _;

use super::Cli;

/// Lines to type, by command.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("", &["svgx check examples/room.svgx", "svgx serve --open examples/room.svgx"]),
    (
        "check",
        &[
            "svgx check examples/room.svgx examples/floor-plan.svgx",
            "svgx check --fix old.svgx",
            "svgx check --watch drawing.svgx",
            "svgx check --format sarif drawing.svgx",
            "svgx check --explain duplicate-id",
        ],
    ),
    ("chaos", &["svgx chaos can", "svgx chaos run chaos/drills/service-down.yaml"]),
    ("chaos can", &["svgx chaos can", "svgx chaos can --format json"]),
    ("chaos run", &["svgx chaos run chaos/drills/service-down.yaml --validate"]),
    ("chaos inject", &["svgx chaos inject kill engine --lasts 30s"]),
    (
        "chaos soak",
        &["svgx chaos soak", "svgx chaos soak chaos/stopped.yaml --lasts 10m --every 1m"],
    ),
    ("chaos undo", &["svgx chaos undo"]),
    (
        "compile",
        &[
            "svgx compile examples/room.svgx -o room.svg",
            "svgx compile examples/room.svgx -o room.json",
            "svgx compile - --optimize < examples/room.svgx",
        ],
    ),
    ("completions", &["svgx completions bash"]),
    ("config", &["svgx config", "svgx config --listen :8000 --api-key me:secret"]),
    ("drill", &["svgx drill ServiceDown", "svgx drill --all --jobs 8", "svgx drill --scorecard"]),
    (
        "edit",
        &[
            "svgx edit plan.svgx --script edits.json -o plan.svgx",
            "svgx edit plan.svgx --script edits.json --report",
        ],
    ),
    (
        "evaluate",
        &[
            "svgx evaluate examples/room.svgx",
            "svgx evaluate examples/room.svgx --of epnl1 --format ndjson",
        ],
    ),
    (
        "export",
        &[
            "svgx export drawing.svgx -o drawing.dxf",
            "svgx export drawing.svgx --to dxf --version R12 --report",
            "svgx export drawing.svgx --to pdf --scale 1:50 --size A3 -o drawing.pdf",
        ],
    ),
    ("fmt", &["svgx fmt drawing.svgx", "svgx fmt --check examples/room.svgx"]),
    ("import", &["svgx import plan.dxf -o plan.svgx", "svgx import plan.dxf --units in --report"]),
    ("jobs", &["svgx jobs list --store redis://127.0.0.1:6379/", "svgx jobs dead"]),
    ("jobs list", &["svgx jobs list --most 10", "svgx jobs list --format json"]),
    ("jobs dead", &["svgx jobs dead"]),
    ("jobs show", &["svgx jobs show q0123456789abcdef0123456789abcdef"]),
    ("jobs retry", &["svgx jobs retry q0123456789abcdef0123456789abcdef"]),
    ("jobs drop", &["svgx jobs drop q0123456789abcdef0123456789abcdef"]),
    (
        "load",
        &[
            "svgx load --duration 10s --rate 200",
            "svgx load --profile physics --times 2 --expect-budgets",
            "svgx load --overload --quick",
        ],
    ),
    ("man", &["svgx man", "svgx man --dir man1"]),
    (
        "network",
        &["svgx network drawing.svgx", "svgx network drawing.svgx --system heating --format json"],
    ),
    (
        "render",
        &[
            "svgx render examples/room.svgx -o room.png --width 1200",
            "svgx render - --background white -o - < examples/room.svgx",
        ],
    ),
    (
        "serve",
        &[
            "svgx serve --open examples/room.svgx",
            "svgx serve --listen localhost:9000 --internal-listen off",
            "svgx serve --listen :8000 --api-key me:secret --data-dir sessions",
        ],
    ),
    (
        "simulate",
        &[
            "svgx simulate examples/pile.svgx --duration 2s",
            "svgx simulate examples/pile.svgx --duration 500ms --fps 30 --format ndjson",
            "svgx simulate - --format table < examples/pile.svgx",
        ],
    ),
    ("slo", &["svgx slo show", "svgx slo check"]),
    ("slo show", &["svgx slo show"]),
    ("slo replay", &["svgx slo replay decisions.jsonl"]),
    ("slo what-if", &["svgx slo what-if decisions.jsonl --budget ui=12ms --cores 4"]),
    (
        "slo simulate",
        &[
            "svgx slo simulate --all --seeds 5",
            "svgx slo simulate step-5x --controller all --svg pictures",
        ],
    ),
    ("slo fleet", &["svgx slo fleet", "svgx slo fleet --replicas 2,16 --editors 5"]),
    ("slo generate", &["svgx slo generate"]),
    ("slo check", &["svgx slo check --table"]),
    ("slo preview", &["svgx slo preview --range 15m --out pictures"]),
    (
        "solve",
        &[
            "svgx solve examples/sketch.svgx",
            "svgx solve examples/sketch.svgx -o solved.svgx",
            "svgx solve examples/sketch.svgx --format json",
        ],
    ),
    ("stack", &["svgx stack up", "svgx stack status", "svgx stack down"]),
    (
        "stack up",
        &[
            "svgx stack up",
            "svgx stack up --port-base 18000",
            "svgx stack up engine prometheus --ports free",
        ],
    ),
    ("stack status", &["svgx stack status --json"]),
    ("stack logs", &["svgx stack logs", "svgx stack logs engine --lines 100"]),
    ("stack down", &["svgx stack down"]),
    (
        "staging",
        &["svgx staging deploy --dry-run", "svgx staging validate --url http://localhost:8000"],
    ),
    (
        "staging deploy",
        &[
            "svgx staging deploy --dry-run",
            "svgx staging deploy --registry registry.example.com --monitoring",
        ],
    ),
    (
        "staging validate",
        &[
            "svgx staging validate",
            "svgx staging validate --url https://staging.example.com --format junit",
        ],
    ),
    ("staging rollback", &["svgx staging rollback", "svgx staging rollback --to-revision 3"]),
    ("staging status", &["svgx staging status"]),
    ("staging backup", &["svgx staging backup --to backup-today --age-recipient age1..."]),
    ("staging sbom", &["svgx staging sbom"]),
    ("staging restore", &["svgx staging restore --from backup-today --verify"]),
    ("top", &["svgx top", "svgx top --once", "svgx top --every 500ms --sort time"]),
    ("trace", &["svgx trace --list", "svgx trace --text", "svgx trace -o slowest.svg"]),
    ("work", &["svgx work --store redis://127.0.0.1:6379/", "svgx work --internal-listen :9464"]),
];

/// The command line, with its examples.
pub(crate) fn command() -> clap::Command {
    with_examples(Cli::command(), "")
}

fn with_examples(command: clap::Command, path: &str) -> clap::Command {
    let command = command.mut_subcommands(|sub| {
        let path = format!("{path} {}", sub.get_name()).trim().to_owned();
        with_examples(sub, &path)
    });
    match EXAMPLES.iter().find(|(of, _)| *of == path) {
        Some((_, lines)) => {
            let lines: String = lines.iter().map(|line| format!("\n  {line}")).collect();
            command.after_help(format!("Examples:{lines}"))
        }
        None => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_examples_and_every_example_is_accepted() {
        fn all(command: &clap::Command, path: &str, into: &mut Vec<String>) {
            into.push(path.to_owned());
            for sub in command.get_subcommands().filter(|s| !s.is_hide_set()) {
                if sub.get_name() != "help" {
                    all(sub, format!("{path} {}", sub.get_name()).trim(), into);
                }
            }
        }
        let mut paths = Vec::new();
        all(&Cli::command(), "", &mut paths);
        for path in &paths {
            assert!(EXAMPLES.iter().any(|(of, _)| of == path), "`svgx {path}` has no example");
        }
        for (path, lines) in EXAMPLES {
            assert!(paths.iter().any(|p| p == path), "`svgx {path}` is no command");
            for line in *lines {
                // What a shell takes away.
                let line = line.split(" < ").next().unwrap_or(line);
                let parsed = command().try_get_matches_from(line.split(' '));
                assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("checked"));
                assert!(line.starts_with(format!("svgx {path}").trim()), "{line} is of {path:?}");
            }
        }
    }
}
