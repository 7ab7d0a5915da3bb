//! `svgx staging deploy`: ask, check, build, push, apply, wait, validate. When something fails after the
//! cluster was changed, the Deployment goes back to the revision it had. Volumes and secrets are
//! never touched: of all that kubectl can do, this knows apply, create, diff, get, wait and undo.

use std::path::PathBuf;

use serde_json::Value;

use super::image::Builder;
use super::journal::{Journal, StepState};
use super::manifest::{Finding, Manifest};
use super::tools::Kubectl;
use super::validate::{self, Report, validate};
use super::{
    INSTALLED_SECRETS, journal, manifest, preflight, references, restricted, secrets, tools,
};
use crate::http;
use svgx_base::budget::{Clock as _, Monotonic, Time};
use svgx_base::deep::tracing::span::EnteredSpan;
use svgx_base::deep::{Empty, Span};
use svgx_base::deep_span;
use svgx_base::duration;
use svgx_controller::spec::Spec;

/// The Deployment of the engine in staging, as k8s/overlays/staging names it.
pub const DEPLOYMENT: &str = "svgx-engine-staging";

/// Lines of a diff that are told; more are counted.
const DIFF_LINES: usize = 80;

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
    /// Whether the registry is asked before anything is built.
    pub ask_registry: bool,
    /// Where the journal is.
    pub journal: PathBuf,
}

/// Why a deployment did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifests cannot be read.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// There is nothing in them to deploy.
    #[error("no Deployment in the manifests has pods labelled app.kubernetes.io/component: engine")]
    NoEngine,
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
    let name = engine(&all).ok_or(Error::NoEngine)?;
    if dry {
        return Ok(rehearse(plan, &all, &name, say));
    }
    // Before the journal: a run that could not begin is none.
    let kubectl = preflight::tools(plan, say)?;
    let run = fingerprint(plan, &all);
    let journal = Journal::open(&plan.journal, &run)?;
    if plan.ask_registry && plan.prebuilt.is_none() && journal.done("push").is_none() {
        preflight::registry(&plan.image, say).await?;
    }
    let span = Span::none().entered();
    let clock = Monotonic::new();
    let begun = clock.now();
    let mut deployment = Deployment { plan, spec, name, kubectl, journal, say, span, clock, begun };
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

fn rehearse(plan: &Plan, all: &Manifest, name: &str, say: &mut dyn FnMut(&str)) -> Deployed {
    let image = plan.prebuilt.clone().unwrap_or_else(|| {
        say(&format!("would build and push {}", plan.image));
        format!("{}@sha256:(the digest the registry answers)", plan.image)
    });
    say(&format!("would make the secrets that are missing: {}", INSTALLED_SECRETS.join(", ")));
    for object in &all.objects {
        say(&format!("would apply {}", manifest::name(object)));
    }
    say(&format!("would wait up to {} s for deployment/{name}", plan.timeout));
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
    /// Of the Deployment.
    name: String,
    kubectl: Kubectl,
    journal: Journal,
    say: &'p mut dyn FnMut(&str),
    /// Of the step that is being done, where the deployment is traced.
    span: EnteredSpan,
    clock: Monotonic,
    /// When the step that is being done began.
    begun: Time,
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
        let (kubectl, name) = (self.kubectl.clone(), self.name.clone());
        let before = self.once("before", || {
            Ok(revision(&kubectl, &name)?.map_or_else(|| "none".to_owned(), |r| r.to_string()))
        })?;
        let before = before.parse::<u64>().ok();
        let beside = use_image(all, &name, &image).into_iter().filter_map(|other| {
            let revision = revision(&self.kubectl, &other).ok().flatten()?;
            Some((other, revision))
        });
        let beside: Vec<(String, u64)> = beside.collect();
        self.tell_changes(all);
        match self.change(all).await {
            Ok(report) => {
                self.journal.write("finish", StepState::Done, &image)?;
                Ok(Deployed { image, report })
            }
            Err(cause) => Err(self.back(cause, before, &beside)),
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
        let name = self.name.clone();
        self.step("wait", || kubectl.wait(&name, timeout).map(|()| String::new()))?;
        let Some(options) = &self.plan.validate else { return Ok(None) };
        self.validate(options.clone()).await.map(Some)
    }

    /// Tells what applying would change; it changes nothing, so a cluster that cannot say is no
    /// reason to stop.
    fn tell_changes(&mut self, all: &Manifest) {
        let namespace = self.kubectl.namespace().to_owned();
        let told = match self.kubectl.get(&["namespace", &namespace]) {
            Ok(None) => vec![format!("diff: all of {} objects are new", all.objects.len())],
            // Whoever may not look at namespaces may compare what is in them.
            Ok(Some(_)) | Err(_) => match self.kubectl.diff(&all.objects) {
                Ok(diff) => differences(&diff),
                Err(error) => vec![format!("diff: not known: {error}")],
            },
        };
        told.iter().for_each(|line| (self.say)(line));
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

    fn back(&mut self, cause: Error, before: Option<u64>, beside: &[(String, u64)]) -> Error {
        let Some(before) = before else { return Error::FirstFailed(Box::new(cause)) };
        let (kubectl, timeout) = (self.kubectl.clone(), self.plan.timeout);
        let name = self.name.clone();
        let undone = self.step("rollback", || {
            // Nothing was rolled out, so there is nothing to undo.
            if revision(&kubectl, &name)? != Some(before) {
                kubectl.undo(&name, before)?;
                kubectl.wait(&name, timeout)?;
            }
            for (other, before) in beside {
                if revision(&kubectl, other)? != Some(*before) {
                    kubectl.undo(other, *before)?;
                }
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
            self.journal.write(step, StepState::Skipped, &before)?;
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
        self.begun = self.clock.now();
        self.span =
            deep_span!("staging.step", svgx.staging.step = step, svgx.staging.state = Empty);
        Ok(self.journal.write(step, StepState::Started, "")?)
    }

    fn end(&mut self, step: &str, good: bool, text: &str) -> Result<(), Error> {
        let took = duration::short(self.clock.now().since(self.begun).as_secs_f64());
        let how = if good { "done" } else { "FAILED" };
        (self.say)(format!("{step}: {how} in {took} {text}").trim_end());
        self.span.record("svgx.staging.state", if good { "done" } else { "failed" });
        self.span = Span::none().entered();
        Ok(self.journal.write(
            step,
            if good { StepState::Done } else { StepState::Failed },
            text,
        )?)
    }
}

/// The revision of the Deployment; `None` where there is none yet.
///
/// # Errors
/// [`tools::Error`].
pub fn revision(kubectl: &Kubectl, name: &str) -> Result<Option<u64>, tools::Error> {
    let deployment = kubectl.get(&["deployment", name])?;
    let text = deployment
        .as_ref()
        .and_then(|d| d["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str());
    Ok(text.and_then(|t| t.parse().ok()))
}

/// The name of the engine's Deployment: what the Services select by the same label.
fn engine(all: &Manifest) -> Option<String> {
    let engine = all.kind("Deployment").find(|d| {
        d["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] == "engine"
    })?;
    engine["metadata"]["name"].as_str().map(str::to_owned)
}

/// The lines of a unified diff that say something: the object, and what changes.
fn differences(diff: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut objects = 0;
    for line in diff.lines() {
        if let Some(file) = line.strip_prefix("+++ ") {
            // "/tmp/MERGED-1/apps.v1.Deployment.namespace.name\t2026-11-29 ..."
            let file = file.split('\t').next().unwrap_or(file);
            lines.push(format!("  {}", file.rsplit('/').next().unwrap_or(file)));
            objects += 1;
        } else if line.starts_with(['+', '-']) && !line.starts_with("--- ") {
            lines.push(format!("    {line}"));
        }
    }
    let mut told = vec![match objects {
        0 => "diff: nothing changes".to_owned(),
        1 => "diff: 1 object changes".to_owned(),
        n => format!("diff: {n} objects change"),
    }];
    let more = lines.len().saturating_sub(DIFF_LINES);
    lines.truncate(DIFF_LINES);
    told.extend(lines);
    if more > 0 {
        told.push(format!("    and {more} more lines; `kubectl diff -f` shows all"));
    }
    told
}

/// Puts the image into the engine's Deployment, and into every other one that has the same: workers.
/// Answers the names of those.
fn use_image(all: &mut Manifest, name: &str, image: &str) -> Vec<String> {
    const PLACE: &str = "/spec/template/spec/containers/0/image";
    let engine =
        all.objects.iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == name);
    let mut others = Vec::new();
    let Some(before) = engine.and_then(|engine| engine.pointer(PLACE)).cloned() else {
        return others;
    };
    for object in all.objects.iter_mut().filter(|object| object["kind"] == "Deployment") {
        if let Some(place) = object.pointer_mut(PLACE).filter(|place| **place == before) {
            *place = image.into();
            let named = object["metadata"]["name"].as_str().filter(|other| *other != name);
            others.extend(named.map(str::to_owned));
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_told_by_object_and_counted_past_its_limit() {
        let change = "diff -u -N a b\n--- /tmp/LIVE-1/apps.v1.Deployment.n.e\t2026\n\
                      +++ /tmp/MERGED-2/apps.v1.Deployment.n.e\t2026\n@@ -1 +1 @@\n \
                      same\n-image: a\n+image: b\n";
        let told = differences(change);
        assert_eq!(
            told,
            [
                "diff: 1 object changes",
                "  apps.v1.Deployment.n.e",
                "    -image: a",
                "    +image: b"
            ]
        );
        assert_eq!(differences(""), ["diff: nothing changes"]);
        let long = format!("+++ x\n{}", "+y\n".repeat(3 * DIFF_LINES));
        let told = differences(&long);
        assert_eq!(told.len(), DIFF_LINES + 2);
        let left = 2 * DIFF_LINES + 1;
        assert!(told.last().is_some_and(|l| l.contains(&format!("{left} more lines"))), "{told:?}");
    }
}
