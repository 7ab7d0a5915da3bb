//! `svgx staging`: bring the engine to a place where others use it, and keep it well there.

mod traced;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use svgx_controller::spec::Spec;
use svgx_operations::staging::backup::{Engines, backup, restore, verify};
use svgx_operations::staging::deploy::{DEPLOYMENT, Plan, deploy};
use svgx_operations::staging::sbom;
use svgx_operations::staging::status::{rollback, status};
use svgx_operations::staging::tools::Kubectl;
use svgx_operations::staging::validate::{Latency, Options, Report, validate};

use self::traced::Traced;
use super::files;
use super::number;
use super::time::time;

/// What is validated where nothing else is said, as the guide does.
const HERE: &str = "http://localhost:8000";

type Failure = Box<dyn std::error::Error>;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Build, push, apply, wait, validate; back to the previous revision if that fails.
    Deploy(Box<Deploy>),
    /// Check a deployment against its success criteria, with figures.
    Validate(Box<Validate>),
    /// Go back to the previous revision, or to a given one.
    Rollback(Rollback),
    /// What runs, what ran before, and the last line of the journal.
    Status(Place),
    /// Save configuration, secrets and sessions into a new folder.
    Backup(Backup),
    /// The bill of materials of this program: CycloneDX, from the lock file.
    Sbom {
        /// The lock file.
        #[arg(long, default_value = "Cargo.lock", value_name = "FILE")]
        lock: PathBuf,
    },
    /// Bring a backup back into engines without sessions, and compare.
    Restore(Restore),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The namespace.
    #[arg(long, env = "SVGX_NAMESPACE", default_value = "svgx-engine-staging")]
    namespace: String,
    /// The Deployment of the engine [deploy: the one in the manifests].
    #[arg(long, default_value = DEPLOYMENT, value_name = "NAME")]
    deployment: String,
    /// Where each step is written down, one JSON object a line.
    #[arg(long, default_value = "target/staging/journal.jsonl", value_name = "FILE")]
    journal: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Deploy {
    #[command(flatten)]
    place: Place,
    /// The rendered manifests.
    #[arg(long = "manifest", default_value = "k8s/staging-deployment.yaml", value_name = "FILE")]
    manifests: Vec<PathBuf>,
    /// Apply k8s/monitoring.yaml as well.
    #[arg(long)]
    monitoring: bool,
    /// The registry.
    #[arg(long, env = "SVGX_REGISTRY", default_value = "localhost:5000")]
    registry: String,
    /// The image's name.
    #[arg(long, env = "SVGX_IMAGE_NAME", default_value = "svgx-engine")]
    image_name: String,
    /// The image's tag.
    #[arg(long, env = "SVGX_IMAGE_TAG", default_value = "staging")]
    image_tag: String,
    /// The program that makes what the image holds, in target/image.
    #[arg(long, default_value = "image/rootfs", value_name = "PROGRAM")]
    prepare: String,
    /// An image that is in the registry already, by digest: nothing is built.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// How long the rollout may take; a bare number counts seconds.
    #[arg(long, value_name = "TIME", default_value = "10m",
        value_parser = time, allow_negative_numbers = true)]
    timeout: Duration,
    /// Do not ask the registry before building: only the image tool can reach it.
    #[arg(long)]
    no_registry_check: bool,
    /// Do not validate afterwards.
    #[arg(long)]
    no_validate: bool,
    /// Tell the steps, change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    checks: Checks,
}

#[derive(Debug, clap::Args)]
struct Validate {
    #[command(flatten)]
    checks: Checks,
    /// How to report.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Human,
    Json,
    Junit,
    Markdown,
}

#[derive(Clone, Debug, clap::Args)]
struct Checks {
    /// The service [without: http://localhost:8000; deploy: through a forwarded port].
    #[arg(long, env = "SVGX_STAGING_URL")]
    url: Option<String>,
    /// A key that it knows [deploy: from the cluster, without].
    #[arg(long, env = "SVGX_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// A key that it no longer knows.
    #[arg(long, hide_env_values = true)]
    revoked_key: Option<String>,
    /// Certificates to trust, in PEM, instead of those of the system.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Prometheus: http://localhost:9090.
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// Grafana: https://user:password@grafana.example.com.
    #[arg(long, value_name = "URL")]
    grafana: Option<String>,
    /// The traces that the collector wrote.
    #[arg(long, value_name = "FILE")]
    traces: Option<PathBuf>,
    /// The engine's log.
    #[arg(long, value_name = "FILE")]
    logs: Option<PathBuf>,
    /// Users at once.
    #[arg(long, default_value_t = 20, value_parser = number::whole::<usize>, allow_negative_numbers = true)]
    users: usize,
    /// How long they use it; a bare number counts seconds.
    #[arg(long, value_name = "TIME", alias = "duration", default_value = "30s",
        value_parser = time, allow_negative_numbers = true)]
    seconds: Duration,
    /// Which time is judged: what the client waited, or what the engine says it took.
    #[arg(long, value_enum, default_value_t = At::Client)]
    latency_at: At,
    /// A folder with the objectives, instead of those compiled in.
    #[arg(long, value_name = "DIR")]
    slo_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum At {
    Client,
    Engine,
}

#[derive(Debug, clap::Args)]
struct Rollback {
    #[command(flatten)]
    place: Place,
    /// The revision to go back to; the previous one without.
    #[arg(long, value_parser = number::whole::<u64>, allow_negative_numbers = true)]
    to_revision: Option<u64>,
    /// How long it may take; a bare number counts seconds.
    #[arg(long, value_name = "TIME", default_value = "10m",
        value_parser = time, allow_negative_numbers = true)]
    timeout: Duration,
}

#[derive(Debug, clap::Args)]
struct Where {
    #[command(flatten)]
    place: Place,
    /// The internal address of an engine outside of a cluster; may be given several times.
    #[arg(long, value_name = "URL")]
    engine: Vec<String>,
    /// The file with its operator's key.
    #[arg(long, value_name = "FILE", requires = "engine")]
    operator_key_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Backup {
    #[command(flatten)]
    from: Where,
    /// The folder to make.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Who can read the secrets (age1...); without one they are left out.
    #[arg(long, value_name = "RECIPIENT")]
    age_recipient: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Restore {
    #[command(flatten)]
    into: Where,
    /// The folder of the backup.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Reads the secrets, and brings back those that are missing.
    #[arg(long, value_name = "FILE")]
    age_identity: Option<PathBuf>,
    /// Only look whether the backup is whole.
    #[arg(long)]
    verify: bool,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return refuse(&error),
        };
        let done = runtime.block_on(async {
            match self.command {
                Command::Deploy(args) => args.run().await,
                Command::Validate(args) => args.run().await,
                Command::Rollback(args) => {
                    let kubectl = Kubectl::new(&args.place.namespace)?;
                    let revision = rollback(
                        &kubectl,
                        &args.place.deployment,
                        args.to_revision,
                        args.timeout.as_secs(),
                    )?;
                    say!("revision {revision} is in force");
                    Ok(ExitCode::SUCCESS)
                }
                Command::Status(place) => {
                    let status = status(
                        &Kubectl::new(&place.namespace)?,
                        &place.deployment,
                        &place.journal,
                    )?;
                    say!("{}", serde_json::to_string_pretty(&status)?);
                    Ok(ExitCode::SUCCESS)
                }
                Command::Backup(args) => {
                    let made = backup(&args.from.engines()?, &args.to, &args.age_recipient).await?;
                    let sessions: u64 = made.files.iter().filter_map(|f| f.sessions).sum();
                    let secrets = if made.secrets { "encrypted" } else { "left out" };
                    say!("{}: {sessions} sessions, secrets {secrets}", args.to.display());
                    Ok(ExitCode::SUCCESS)
                }
                Command::Sbom { lock } => {
                    let text = std::fs::read_to_string(&lock)
                        .map_err(|e| format!("{}: {e}", lock.display()))?;
                    say!("{:#}", sbom::cyclonedx(&text)?);
                    Ok(ExitCode::SUCCESS)
                }
                Command::Restore(args) => args.run().await,
            }
        });
        done.unwrap_or_else(|error: Failure| refuse(&*error))
    }
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    complain!("svgx staging: {error}");
    ExitCode::from(2)
}

impl Checks {
    fn spec(&self) -> Result<Spec, Failure> {
        Ok(self.slo_dir.as_deref().map_or_else(Spec::embedded, Spec::from_dir)?)
    }

    fn options(self, spec: &Spec) -> Result<Options, Failure> {
        Ok(Options {
            url: self.url.unwrap_or_default(),
            key: self.key,
            revoked_key: self.revoked_key,
            ca: self.ca,
            prometheus: self.prometheus,
            grafana: self.grafana,
            dashboards: dashboards(spec)?,
            traces: self.traces,
            logs: self.logs,
            users: self.users,
            duration: self.seconds,
            latency: match self.latency_at {
                At::Client => Latency::Client,
                At::Engine => Latency::Engine,
            },
        })
    }
}

/// The dashboards that are generated from the objectives, by their uid.
fn dashboards(spec: &Spec) -> Result<Vec<String>, Failure> {
    let all = svgx_operations::generate(spec)?;
    let pages =
        all.iter().filter(|a| a.path.starts_with("dashboards/") && a.path.ends_with(".json"));
    let uid = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text).ok()?["uid"].as_str().map(str::to_owned)
    };
    Ok(pages.filter_map(|a| uid(&a.text)).collect())
}

/// Tells of a step. Whoever reads may have gone: the deployment goes on all the same.
fn tell(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

impl Deploy {
    async fn run(self) -> Result<ExitCode, Failure> {
        let spec = self.checks.spec()?;
        let mut manifests = self.manifests;
        if self.monitoring {
            manifests.push(PathBuf::from("k8s/monitoring.yaml"));
        }
        let plan = Plan {
            manifests,
            namespace: self.place.namespace,
            image: format!("{}/{}:{}", self.registry, self.image_name, self.image_tag),
            prepare: self.prepare,
            prebuilt: self.image,
            timeout: self.timeout.as_secs(),
            ask_registry: !self.no_registry_check,
            validate: if self.no_validate { None } else { Some(self.checks.options(&spec)?) },
            journal: self.place.journal,
        };
        let traced = Traced::begin();
        let deployed = deploy(&plan, &spec, self.dry_run, &mut tell).await;
        if let Some(traced) = traced {
            traced.end(deployed.is_ok());
        }
        let deployed = deployed?;
        if let Some(report) = &deployed.report {
            files::put(&report.human());
        }
        say!("{} {}", if self.dry_run { "would deploy" } else { "deployed" }, deployed.image);
        Ok(ExitCode::SUCCESS)
    }
}

impl Validate {
    async fn run(self) -> Result<ExitCode, Failure> {
        let spec = self.checks.spec()?;
        let mut options = self.checks.options(&spec)?;
        if options.url.is_empty() {
            HERE.clone_into(&mut options.url);
            complain!("svgx staging: no --url was given: validating {HERE}");
        }
        let report: Report = validate(&options, &spec).await?;
        match self.format {
            Format::Human => files::put(&report.human()),
            Format::Json => say!("{}", serde_json::to_string_pretty(&report)?),
            Format::Junit => files::put(&report.junit()),
            Format::Markdown => files::put(&report.markdown()),
        }
        Ok(ExitCode::from(u8::from(!report.passed())))
    }
}

impl Where {
    fn engines(&self) -> Result<Engines, Failure> {
        if self.engine.is_empty() {
            return Ok(Engines::Cluster(Kubectl::new(&self.place.namespace)?));
        }
        let path = self.operator_key_file.as_ref().ok_or("--engine needs --operator-key-file")?;
        let key = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Engines::Addresses(self.engine.clone(), key.trim().to_owned()))
    }
}

impl Restore {
    async fn run(self) -> Result<ExitCode, Failure> {
        if self.verify {
            let contents = verify(&self.from)?;
            say!(
                "{}: whole, {} files of {}",
                self.from.display(),
                contents.files.len(),
                contents.time
            );
            return Ok(ExitCode::SUCCESS);
        }
        let copied =
            restore(&self.into.engines()?, &self.from, self.age_identity.as_deref()).await?;
        say!(
            "restored {} sessions with {} records, and compared them",
            copied.sessions,
            copied.records
        );
        Ok(ExitCode::SUCCESS)
    }
}
