//! Which faults this machine can do: each is tried on something of our own, and undone.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde::Serialize;

use super::spawn::{self, Ended};

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A fault, and whether it can be done here.
#[derive(Clone, Debug, Serialize)]
pub struct Capability {
    /// Its name: what an experiment says under `needs`.
    pub name: &'static str,
    /// What it does.
    pub fault: &'static str,
    /// Whether it can be done.
    pub able: bool,
    /// What was tried, or why not.
    pub why: String,
}

enum Try {
    /// A command that succeeds.
    Run(&'static [&'static str]),
    /// A script of the shell, in a name space of its own for mounts.
    Mounts(&'static str),
    /// Something else; the text says what was tried.
    Own(fn() -> Result<String, String>),
}

/// In the order they are printed.
const ALL: [(&str, &str, Try); 24] = [
    ("signal", "kill, stop and continue a process", Try::Own(signal)),
    ("limit", "limit files, descriptors of a running process", Try::Own(limit)),
    ("store", "a Redis of the stack's own", Try::Run(&["redis-server", "--version"])),
    ("python", "the experiments of chaos/ in Python", Try::Run(PYTHON)),
    ("one-core", "one processor of several (affinity)", Try::Own(one_core)),
    (
        "quota",
        "a share of a processor",
        Try::Own(|| super::quota::probe().map_err(|e| e.to_string())),
    ),
    (
        "memory",
        "a limit of memory (control groups 1 or 2)",
        Try::Own(|| {
            let first = group("memory", "memory.limit_in_bytes", "67108864");
            first.or_else(|why| group_v2("memory").map_err(|second| format!("{why}; {second}")))
        }),
    ),
    (
        "freezer",
        "freeze a group of processes",
        Try::Own(|| group("freezer", "freezer.state", "FROZEN")),
    ),
    (
        "network",
        "a network of its own",
        Try::Run(&["unshare", "--net", "ip", "link", "show", "lo"]),
    ),
    (
        "loss",
        "loss, reset and partition by nft",
        Try::Run(&["unshare", "--net", "nft", "add", "table", "inet", "svgx"]),
    ),
    (
        "bandwidth",
        "bandwidth by tbf",
        Try::Run(&[
            "unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "64kbit",
            "burst", "2kb", "latency", "500ms",
        ]),
    ),
    (
        "delay",
        "delay, jitter and loss by netem",
        Try::Run(&[
            "unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms",
        ]),
    ),
    (
        "connections",
        "delay, bandwidth, reset and partition of connections, by a proxy of ours",
        Try::Own(|| command(PYTHON)),
    ),
    (
        "full-disk",
        "a file system that is full",
        Try::Mounts(
            "mkdir on && mount -t tmpfs -o size=64k svgx on && if head --bytes=200000 /dev/zero >on/file 2>no; then echo it took more than it has; false; fi",
        ),
    ),
    (
        "read-only",
        "a file system that becomes read-only",
        Try::Mounts(
            "mkdir on && mount -t tmpfs -o size=64k svgx on && mount -o remount,ro on && if touch on/file 2>no; then echo it was written; false; fi",
        ),
    ),
    (
        "loop",
        "a file system in a file that becomes read-only (loop device, ext4)",
        Try::Mounts(
            "command -v losetup nsenter >no && truncate --size=2M image && mkfs.ext4 -q image && mkdir on && mount -o loop image on && umount on",
        ),
    ),
    (
        "slow-fsync",
        "fsync that is slow or fails",
        Try::Run(&[
            "strace",
            "--follow-forks",
            "--output=/dev/null",
            "--trace=fdatasync",
            "--inject=fdatasync:error=EIO",
            "true",
        ]),
    ),
    ("attach", "the same on a running process", Try::Own(attach)),
    ("flakey", "a disk that fails, by the device mapper", Try::Own(flakey)),
    ("clock", "a clock of one process that jumps, by libfaketime", Try::Own(clock)),
    ("hogs", "processors, memory and disk taken by others", Try::Run(&["stress-ng", "--version"])),
    ("redis", "a store beyond the process", Try::Run(&["redis-server", "--version"])),
    ("history", "days of history for Prometheus", Try::Run(&["promtool", "--version"])),
    (POINTS, "points of the engine that fail (--features faults)", Try::Own(points)),
];

const PYTHON: &[&str] = &["python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))"];

/// What a build with fault points can do.
const POINTS: &str = "faults";

/// Tries those of these names; everything where there are none.
///
/// # Errors
/// A name that is none.
pub fn can(names: &[String]) -> Result<Vec<Capability>, String> {
    if let Some(none) = names.iter().find(|n| ALL.iter().all(|(name, ..)| name != n)) {
        let known: Vec<&str> = ALL.iter().map(|(name, ..)| *name).collect();
        return Err(format!("there is no fault {none}; known are {}", known.join(", ")));
    }
    let wanted =
        ALL.iter().filter(|(name, ..)| names.is_empty() || names.iter().any(|n| n == name));
    Ok(wanted.map(|(name, fault, with)| one(name, fault, with)).collect())
}

/// Tries the fault of this name, with another engine than this program where it is about the
/// engine; none when there is none of this name.
pub fn can_do_with(name: &str, engine: Option<&Path>) -> Option<Capability> {
    let found = can_do(name)?;
    let Some(engine) = engine.filter(|_| name == POINTS) else { return Some(found) };
    let mut asked = Command::new(engine);
    let said = spawn::run(asked.args(["chaos", "can", POINTS, "--format", "json"]), PATIENCE);
    let said = said.map(|s| s.stdout).unwrap_or_default();
    let said: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap_or_default();
    let able = said.first().is_some_and(|c| c["able"] == true);
    let why = format!("{}: {}", engine.display(), if able { "has them" } else { "has none" });
    Some(Capability { able, why, ..found })
}

/// Tries the fault of this name; none when there is none of this name.
pub fn can_do(name: &str) -> Option<Capability> {
    ALL.iter().find(|(n, ..)| *n == name).map(|(name, fault, with)| one(name, fault, with))
}

fn one(name: &'static str, fault: &'static str, with: &Try) -> Capability {
    let outcome = match with {
        Try::Run(words) => command(words),
        Try::Mounts(script) => mounts(script),
        Try::Own(own) => own(),
    };
    let able = outcome.is_ok();
    let (Ok(why) | Err(why)) = outcome;
    Capability { name, fault, able, why }
}

fn ended(of: std::io::Result<Ended>, name: &str) -> Result<(), String> {
    match of {
        Ok(ended) if ended.well() => Ok(()),
        Ok(ended) if ended.late => Err(format!("{name}: no end within {PATIENCE:?}")),
        Ok(ended) => Err(format!("{name}: {}", ended.last_words())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("{name} is not installed"))
        }
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn command(words: &[&str]) -> Result<String, String> {
    let (name, rest) = words.split_first().ok_or("nothing to run")?;
    ended(spawn::run(Command::new(name).args(rest), PATIENCE), name)?;
    Ok(words.join(" ").chars().take(60).collect())
}

fn mounts(script: &str) -> Result<String, String> {
    // Inside, the mounts are the name space's own and end with it.
    let folder = Scratch::new()?;
    let script = format!("cd {} && {script}", folder.0.display());
    let mut command = Command::new("unshare");
    ended(spawn::run(command.args(["--mount", "sh", "-c", &script]), PATIENCE), "unshare --mount")?;
    Ok("in a name space of its own".to_owned())
}

/// A name that nobody else tries with at the same time.
pub(super) fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("can-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A folder that is removed with what is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, String> {
        let path = std::env::temp_dir().join(format!("svgx-{}", unique()));
        std::fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind it is an empty folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process to try things on.
struct Victim(Child);

impl Victim {
    fn new() -> Result<Victim, String> {
        let quiet = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn();
        quiet.map(Victim).map_err(|e| format!("sleep: {e}"))
    }

    fn pid(&self) -> Result<Pid, String> {
        i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).ok_or_else(|| "no id".to_owned())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn points() -> Result<String, String> {
    let has = svgx_base::fault::COMPILED;
    let said = if has { "this build has fault points" } else { "this build has no fault points" };
    if has { Ok(said.to_owned()) } else { Err(said.to_owned()) }
}

fn signal() -> Result<String, String> {
    let victim = Victim::new()?;
    let pid = victim.pid()?;
    let send = |s| kill_process(pid, s).map_err(|e| format!("kill: {e}"));
    send(Signal::STOP)?;
    send(Signal::CONT)?;
    send(Signal::KILL)?;
    Ok("SIGSTOP, SIGCONT, SIGKILL".to_owned())
}

fn limit() -> Result<String, String> {
    let victim = Victim::new()?;
    let to = Rlimit { current: Some(16), maximum: Some(16) };
    prlimit(Some(victim.pid()?), Resource::Nofile, to).map_err(|e| format!("prlimit: {e}"))?;
    Ok("prlimit of a running process".to_owned())
}

fn one_core() -> Result<String, String> {
    let set = rustix::thread::sched_getaffinity(None).map_err(|e| format!("affinity: {e}"))?;
    match set.count() {
        0 | 1 => Err("there is one processor".to_owned()),
        n => Ok(format!("one of {n}")),
    }
}

/// Where distributions put the library, which is preloaded; the variable names another place.
fn clock() -> Result<String, String> {
    let roots = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    let usual = roots.map(|root| Path::new(root).join("faketime/libfaketime.so.1"));
    let named = std::env::var_os("SVGX_CHAOS_FAKETIME").map(PathBuf::from);
    let found = named.into_iter().chain(usual).find(|p| p.is_file());
    found.map(|p| p.display().to_string()).ok_or_else(|| "libfaketime is not installed".to_owned())
}

fn attach() -> Result<String, String> {
    command(&["strace", "--version"])?;
    let victim = Victim::new()?;
    let pid = victim.0.id().to_string();
    let words = ["--signal=INT", "1", "strace", "--output=/dev/null", "-p", &pid];
    let said = spawn::run(Command::new("timeout").args(words), PATIENCE);
    match said {
        // It was still attached when its time was over.
        Ok(ended) if ended.code == Some(124) => Ok("strace -p".to_owned()),
        other => Err(ended(other, "strace -p")
            .err()
            .unwrap_or_else(|| "strace ended at once".to_owned())),
    }
}

fn flakey() -> Result<String, String> {
    match spawn::run(Command::new("dmsetup").arg("targets"), PATIENCE) {
        Ok(said) if said.stdout.contains("flakey") => Ok("dmsetup targets".to_owned()),
        Ok(said) if said.well() => Err("the kernel has no target flakey".to_owned()),
        other => Err(ended(other, "dmsetup").err().unwrap_or_default()),
    }
}

/// A group of the first version of control groups.
fn group(controller: &str, file: &str, value: &str) -> Result<String, String> {
    let group = Path::new("/sys/fs/cgroup").join(controller).join(format!("svgx-{}", unique()));
    std::fs::create_dir(&group).map_err(|e| format!("{}: {e}", group.display()))?;
    let written = std::fs::write(group.join(file), value).map_err(|e| format!("{file}: {e}"));
    std::fs::remove_dir(&group).map_err(|e| format!("{}: {e}", group.display()))?;
    written.map(|()| file.to_owned())
}

fn group_v2(controller: &str) -> Result<String, String> {
    for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
        let Ok(known) = std::fs::read_to_string(Path::new(root).join("cgroup.controllers")) else {
            continue;
        };
        return if known.split_whitespace().any(|c| c == controller) {
            Ok(format!("{root}: {}", known.trim()))
        } else {
            Err(format!("{root} has only {:?}", known.trim()))
        };
    }
    Err("no control groups 2 here".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_name_of_its_own_and_says_why() {
        let all = can(&[]).expect("all");
        assert!(can(&["moonlight".to_owned()]).is_err());
        for (n, one) in all.iter().enumerate() {
            assert!(!one.why.is_empty(), "{one:?}");
            assert!(all.iter().skip(n + 1).all(|other| other.name != one.name), "{one:?}");
        }
        assert!(all.iter().any(|c| c.name == "signal" && c.able), "{all:?}");
        assert!(can_do("moonlight").is_none());
    }

    #[test]
    fn what_is_not_there_is_named() {
        let found = one("x", "x", &Try::Run(&["svgx-no-such-program"]));
        assert_eq!(
            (found.able, found.why.as_str()),
            (false, "svgx-no-such-program is not installed")
        );
        assert!(!one("x", "x", &Try::Run(&["false"])).able);
    }
}
