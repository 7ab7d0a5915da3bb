//! `svgx staging deploy`: check, build, push, apply, wait, validate. When something fails after the
//! cluster was changed, the Deployment goes back to the revision it had. Volumes and secrets are
//! never touched: of all that kubectl can do, this knows apply, create, get, wait and undo.

use std::path::PathBuf;

use serde_json::Value;

use super::image::Builder;
use super::journal::{Journal, State};
use super::manifest::{Finding, Manifest};
use super::tools::Kubectl;
use super::validate::{self, Report, validate};
use super::{INSTALLED_SECRETS, journal, manifest, references, restricted, secrets, tools};
use crate::http;
use svgx_base::deep::tracing::span::EnteredSpan;
use svgx_base::deep::{Empty, Span};
use svgx_base::deep_span;
use svgx_controller::spec::Spec;

/// The Deployment of the engine.
pub const DEPLOYMENT: &str = "svgx-engine";

/// What to deploy, and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The rendered manifests, applied in this order.
    pub manifests: Vec<PathBuf>,
    /// The namespace.
    pub namespace: String,
    /// The image to build and push: `registry/name:tag`.
    pub image: String,
    /// The program that makes what the image holds.
    pub prepare: String,
    /// An image that is in the registry already: nothing is built.
    pub prebuilt: Option<String>,
    /// Seconds the rollout may take.
    pub timeout: u64,
    /// How to validate; `None`: not at all. An empty address: through a forwarded port.
    pub validate: Option<validate::Options>,
    /// Where the journal is.
    pub journal: PathBuf,
}

/// Why a deployment did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifests cannot be read.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// The manifests would not work.
    #[error("the manifests are not fit to be applied:\n{}", list(.0))]
    Unfit(Vec<Finding>),
    /// A program failed.
    #[error(transparent)]
    Tool(#[from] tools::Error),
    /// The journal cannot be kept.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Nobody can be asked.
    #[error(transparent)]
    Client(#[from] http::Error),
    /// A criterion is not met.
    #[error("validation failed:\n{}", .0.human())]
    Invalid(Box<Report>),
    /// It failed, and the previous revision is back.
    #[error("{cause}\nrolled back to revision {revision}")]
    RolledBack {
        /// What failed.
        cause: Box<Error>,
        /// What runs now.
        revision: u64,
    },
    /// It failed, and there is nothing to go back to.
    #[error("{0}\nthere is no previous revision: what was applied is left for you to look at")]
    FirstFailed(Box<Error>),
    /// It failed, and going back failed too.
    #[error("{cause}\nrolling back failed as well: {rollback}")]
    Stuck {
        /// What failed.
        cause: Box<Error>,
        /// And then.
        rollback: Box<Error>,
    },
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(|f| format!("  {f}")).collect::<Vec<_>>().join("\n")
}

/// How it went.
#[derive(Debug)]
pub struct Deployed {
    /// The image that runs.
    pub image: String,
    /// What was validated.
    pub report: Option<Report>,
}

/// Deploys `plan`, telling `say` of each step. With `dry` nothing is changed, and the steps are
/// only told.
///
/// # Errors
/// [`Error`].
pub async fn deploy(
    plan: &Plan,
    spec: &Spec,
    dry: bool,
    say: &mut dyn FnMut(&str),
) -> Result<Deployed, Error> {
    let mut all = Manifest::default();
    for path in &plan.manifests {
        all.objects.extend(Manifest::read(path)?.objects);
    }
    let mut findings = restricted(&all);
    findings.extend(references(&all, &INSTALLED_SECRETS));
    if !findings.is_empty() {
        return Err(Error::Unfit(findings));
    }
    say(&format!("check: {} objects, fit to be applied", all.objects.len()));
    if dry {
        return Ok(rehearse(plan, &all, say));
    }
    let run = fingerprint(plan, &all);
    let journal = Journal::open(&plan.journal, &run)?;
    let kubectl = Kubectl::new(&plan.namespace)?;
    let span = Span::none().entered();
    let mut deployment = Deployment { plan, spec, kubectl, journal, say, span };
    deployment.run(&mut all).await
}

/// What was to be deployed: the same again is the same run.
fn fingerprint(plan: &Plan, all: &Manifest) -> String {
    let mut hasher = blake3::Hasher::new();
    for object in &all.objects {
        hasher.update(object.to_string().as_bytes());
    }
    hasher.update(format!("{}{}{:?}", plan.namespace, plan.image, plan.prebuilt).as_bytes());
    hasher.finalize().to_hex().chars().take(16).collect()
}

fn rehearse(plan: &Plan, all: &Manifest, say: &mut dyn FnMut(&str)) -> Deployed {
    let image = plan.prebuilt.clone().unwrap_or_else(|| {
        say(&format!("would build and push {}", plan.image));
        format!("{}@sha256:(the digest the registry answers)", plan.image)
    });
    say(&format!("would make the secrets that are missing: {}", INSTALLED_SECRETS.join(", ")));
    for object in &all.objects {
        say(&format!("would apply {}", manifest::name(object)));
    }
    say(&format!("would wait up to {} s for deployment/{DEPLOYMENT}", plan.timeout));
    say(if plan.validate.is_some() {
        "would validate, and roll back if that fails"
    } else {
        "would not validate"
    });
    Deployed { image, report: None }
}

struct Deployment<'p> {
    plan: &'p Plan,
    spec: &'p Spec,
    kubectl: Kubectl,
    journal: Journal,
    say: &'p mut dyn FnMut(&str),
    /// Of the step that is being done, where the deployment is traced.
    span: EnteredSpan,
}

impl Deployment<'_> {
    async fn run(&mut self, all: &mut Manifest) -> Result<Deployed, Error> {
        let image = match &self.plan.prebuilt {
            Some(image) => image.clone(),
            None => {
                let (image, prepare) = (self.plan.image.clone(), self.plan.prepare.clone());
                self.once("build", || {
                    Builder::found()?.build(&image, &prepare).map(|()| image.clone())
                })?;
                self.once("push", || Builder::found()?.push(&image))?
            }
        };
        // Taken once for a run: after a resume, the cluster may hold the new revision already.
        let kubectl = self.kubectl.clone();
        let before = self.once("before", || {
            Ok(revision(&kubectl)?.map_or_else(|| "none".to_owned(), |r| r.to_string()))
        })?;
        let before = before.parse::<u64>().ok();
        use_image(all, &image);
        match self.change(all).await {
            Ok(report) => {
                self.journal.write("finish", State::Done, &image)?;
                Ok(Deployed { image, report })
            }
            Err(cause) => Err(self.back(cause, before)),
        }
    }

    /// Everything that changes the cluster, and the proof that it was for the better.
    async fn change(&mut self, all: &Manifest) -> Result<Option<Report>, Error> {
        let (namespaces, rest): (Vec<Value>, Vec<Value>) =
            all.objects.iter().cloned().partition(|o| o["kind"] == "Namespace");
        let kubectl = self.kubectl.clone();
        // Each of these is as good the second time as the first.
        self.step("namespace", || kubectl.apply(&namespaces).map(|()| String::new()))?;
        self.step("secrets", || Ok(secrets::install(&kubectl)?.join(", ")))?;
        self.step("apply", || kubectl.apply(&rest).map(|()| format!("{} objects", rest.len())))?;
        let timeout = self.plan.timeout;
        self.step("wait", || kubectl.wait(DEPLOYMENT, timeout).map(|()| String::new()))?;
        let Some(options) = &self.plan.validate else { return Ok(None) };
        self.validate(options.clone()).await.map(Some)
    }

    async fn validate(&mut self, mut options: validate::Options) -> Result<Report, Error> {
        self.begin("validate")?;
        let proof = async {
            if options.key.is_none() {
                options.key = secrets::api_key(&self.kubectl)?;
            }
            let forward = if options.url.is_empty() {
                Some(self.kubectl.forward("service/svgx-engine", 80)?)
            } else {
                None
            };
            if let Some(forward) = &forward {
                options.url = forward.url();
            }
            let report = validate(&options, self.spec).await?;
            if report.passed() { Ok(report) } else { Err(Error::Invalid(Box::new(report))) }
        };
        let proof = proof.await;
        let text = match &proof {
            Ok(report) => format!("{} checks passed", report.count(validate::Verdict::Passed)),
            Err(error) => error.to_string(),
        };
        self.end("validate", proof.is_ok(), &text)?;
        proof
    }

    fn back(&mut self, cause: Error, before: Option<u64>) -> Error {
        let Some(before) = before else { return Error::FirstFailed(Box::new(cause)) };
        let (kubectl, timeout) = (self.kubectl.clone(), self.plan.timeout);
        let undone = self.step("rollback", || {
            // Nothing was rolled out, so there is nothing to undo.
            if revision(&kubectl)? != Some(before) {
                kubectl.undo(DEPLOYMENT, before)?;
                kubectl.wait(DEPLOYMENT, timeout)?;
            }
            Ok(format!("revision {before}"))
        });
        let cause = Box::new(cause);
        match undone {
            Ok(_) => Error::RolledBack { cause, revision: before },
            Err(rollback) => Error::Stuck { cause, rollback: Box::new(rollback) },
        }
    }

    /// A step that is not done again when a run is taken up where it was cut short.
    fn once(
        &mut self,
        step: &str,
        work: impl FnOnce() -> Result<String, tools::Error>,
    ) -> Result<String, Error> {
        if let Some(before) = self.journal.done(step).map(str::to_owned) {
            (self.say)(&format!("{step}: done before: {before}"));
            self.journal.write(step, State::Skipped, &before)?;
            return Ok(before);
        }
        self.step(step, work)
    }

    fn step(
        &mut self,
        step: &str,
        work: impl FnOnce() -> Result<String, tools::Error>,
    ) -> Result<String, Error> {
        self.begin(step)?;
        let done = work();
        let text = match &done {
            Ok(text) => text.clone(),
            Err(error) => error.to_string(),
        };
        self.end(step, done.is_ok(), &text)?;
        Ok(done?)
    }

    fn begin(&mut self, step: &str) -> Result<(), Error> {
        (self.say)(&format!("{step} ..."));
        self.span =
            deep_span!("staging.step", svgx.staging.step = step, svgx.staging.state = Empty);
        Ok(self.journal.write(step, State::Started, "")?)
    }

    fn end(&mut self, step: &str, good: bool, text: &str) -> Result<(), Error> {
        (self.say)(&format!("{step}: {} {text}", if good { "done" } else { "FAILED" }));
        self.span.record("svgx.staging.state", if good { "done" } else { "failed" });
        self.span = Span::none().entered();
        Ok(self.journal.write(step, if good { State::Done } else { State::Failed }, text)?)
    }
}

/// The revision of the Deployment; `None` where there is none yet.
///
/// # Errors
/// [`tools::Error`].
pub fn revision(kubectl: &Kubectl) -> Result<Option<u64>, tools::Error> {
    let deployment = kubectl.get(&["deployment", DEPLOYMENT])?;
    let text = deployment
        .as_ref()
        .and_then(|d| d["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str());
    Ok(text.and_then(|t| t.parse().ok()))
}

/// Puts the image into the engine's Deployment.
fn use_image(all: &mut Manifest, image: &str) {
    for object in &mut all.objects {
        if object["kind"] == "Deployment" && object["metadata"]["name"] == DEPLOYMENT {
            object["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        }
    }
}
