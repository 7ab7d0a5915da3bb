use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use svgx_jobs::{Listed, Queue, QueueError, Record, Stats};

use super::files;

/// The queue keeps no more dead letters.
const DEAD: usize = 1_000;

/// Look at the queue of jobs that processes share, and at what was set aside.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Redis that keeps it, as `svgx serve --store`; without, `SVGX_STORE` or `REDIS_URL` says it.
    #[arg(long, global = true, value_name = "URL")]
    store: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value = "human", global = true)]
    format: Format,
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Format {
    Human,
    Json,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The newest jobs, whatever became of them, and figures of all.
    List {
        /// How many.
        #[arg(long, default_value_t = 50)]
        most: u16,
    },
    /// Jobs that were set aside after several tries: the dead letters.
    Dead {
        /// How many.
        #[arg(long, default_value_t = 50)]
        most: u16,
    },
    /// Everything that is known of one job.
    Show {
        /// Its name.
        id: String,
    },
    /// Put a dead letter into its queue again, with all its tries.
    Retry {
        #[command(flatten)]
        which: Which,
    },
    /// Forget a job, whatever became of it.
    Drop {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Its name.
    id: Option<String>,
    /// All dead letters.
    #[arg(long)]
    dead: bool,
}

impl Which {
    fn ids(&self, queue: &Queue) -> Result<Vec<String>, QueueError> {
        match &self.id {
            Some(id) => Ok(vec![id.clone()]),
            None => Ok(queue.list(Listed::Dead, DEAD)?.into_iter().map(|job| job.id).collect()),
        }
    }
}

impl Args {
    /// 0: done. 1: there is no such job. 2: the queue cannot be asked.
    pub(crate) fn run(self) -> ExitCode {
        let named = ["SVGX_STORE", "REDIS_URL"].iter().find_map(|name| std::env::var(name).ok());
        let Some(url) = self.store.clone().or(named) else {
            complain!("svgx jobs: give --store redis://HOST:PORT");
            return ExitCode::from(2);
        };
        match svgx_server::queue_of_jobs(&url).and_then(|queue| self.ask(&queue)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(QueueError::Missing) => {
                complain!("svgx jobs: there is no such job; `svgx jobs list` shows what there is");
                ExitCode::from(1)
            }
            Err(error) => files::failed(&format!("jobs: {error}")),
        }
    }

    fn ask(&self, queue: &Queue) -> Result<(), QueueError> {
        let is_json = self.format == Format::Json;
        match &self.what {
            What::List { most } => {
                let (stats, jobs) = (queue.stats()?, queue.list(Listed::All, usize::from(*most))?);
                if is_json {
                    let jobs: Vec<Value> = jobs.iter().map(members).collect();
                    say!("{}", json!({ "queue": figures(&stats), "jobs": jobs }));
                } else {
                    say!("{}", told(&stats));
                    table(&jobs);
                }
            }
            What::Dead { most } => {
                let jobs = queue.list(Listed::Dead, usize::from(*most))?;
                if is_json {
                    let jobs: Vec<Value> = jobs.iter().map(members).collect();
                    say!("{}", json!({ "jobs": jobs }));
                } else {
                    say!("{} dead letters", jobs.len());
                    table(&jobs);
                }
            }
            What::Show { id } => {
                let members = members(&queue.view(None, id)?);
                if is_json {
                    say!("{members}");
                } else {
                    for (name, value) in members.as_object().into_iter().flatten() {
                        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                        say!("{name:<10} {plain}");
                    }
                }
            }
            What::Retry { which } => {
                for id in which.ids(queue)? {
                    queue.retry(&id)?;
                    say!("{id} waits again");
                }
            }
            What::Drop { which } => {
                for id in which.ids(queue)? {
                    queue.remove(&id)?;
                    say!("{id} is forgotten");
                }
            }
        }
        Ok(())
    }
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

fn figures(stats: &Stats) -> Value {
    json!({
        "waiting": stats.waiting, "running": stats.running, "dead": stats.dead, "jobs": stats.jobs,
        "backlog_s": seconds(stats.backlog()), "oldest_s": seconds(stats.oldest),
        "bytes": stats.bytes, "answer_bytes": stats.answers,
        "workers": stats.workers, "dedicated": stats.dedicated,
    })
}

fn told(stats: &Stats) -> String {
    format!(
        "{} wait ({:.1} s of work for {} workers, the oldest for {:.1} s), {} run, {} dead",
        stats.waiting,
        stats.backlog().as_secs_f64(),
        stats.workers,
        stats.oldest.as_secs_f64(),
        stats.running,
        stats.dead,
    )
}

fn members(job: &Record) -> Value {
    json!({
        "id": job.id, "tenant": job.tenant, "operation": job.operation,
        "stage": job.stage.as_str(), "progress": job.progress, "attempts": job.attempt,
        "deaths": job.deaths, "faults": job.faults, "worker": job.worker, "last": job.at,
        "version": job.version, "reason": job.reason, "bytes": job.bytes,
        "age_s": seconds(job.age), "ran_s": seconds(job.ran), "predicted_s": seconds(job.cost),
        "batch": job.batch, "checkpoint_bytes": job.checkpoint,
    })
}

fn table(jobs: &[Record]) {
    for job in jobs {
        let Record {
            id,
            tenant,
            operation,
            attempt,
            deaths,
            faults,
            bytes,
            at,
            version,
            reason,
            ..
        } = job;
        let stage = job.stage.as_str();
        let age = job.age.as_secs_f64();
        let why = if reason.is_empty() { String::new() } else { format!("; {reason}") };
        say!(
            "{id} {stage:<9} {operation:<16} {tenant:<12} {age:>8.1} s {bytes:>9} B, attempts \
             {attempt}, deaths {deaths}, faults {faults}, last {at}, version {version}{why}"
        );
    }
}
