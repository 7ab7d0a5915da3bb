//! A share of a processor: a control group with a quota, of either version.

use std::io;
use std::path::{Path, PathBuf};

/// The period of a quota in microseconds: what the kernel takes by default.
const PERIOD: u64 = 100_000;

/// Where control groups with a quota can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// `/sys/fs/cgroup/cpu`, `cpu.cfs_quota_us`.
    One,
    /// `/sys/fs/cgroup`, `cpu.max`.
    Two,
}

impl Version {
    fn root(self) -> &'static Path {
        Path::new(match self {
            Version::One => "/sys/fs/cgroup/cpu",
            Version::Two => "/sys/fs/cgroup",
        })
    }
}

fn version() -> io::Result<Version> {
    if Version::One.root().join("cpu.cfs_quota_us").exists() {
        return Ok(Version::One);
    }
    let known = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers");
    if known.is_ok_and(|k| k.split_whitespace().any(|c| c == "cpu")) {
        return Ok(Version::Two);
    }
    Err(io::Error::other("no control group here has a quota of processor time"))
}

fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |e| io::Error::new(e.kind(), format!("{}: {e}", path.display()))
}

/// The group of this name, whether it is there or not.
fn group(name: &str) -> io::Result<(Version, PathBuf)> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(io::Error::other(format!("{name:?} is no name of a group")));
    }
    let version = version()?;
    Ok((version, version.root().join(format!("svgx-{name}"))))
}

/// The group of this process, which is that of whoever it started.
fn home(version: Version) -> PathBuf {
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = text.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let ours = match version {
            Version::One => controllers.split(',').any(|c| c == "cpu"),
            Version::Two => controllers.is_empty(),
        };
        ours.then(|| path.trim_start_matches('/').to_owned())
    });
    version.root().join(path.unwrap_or_default())
}

/// Makes a group whose processes get `percent` of one processor.
fn make(name: &str, percent: u64) -> io::Result<PathBuf> {
    let (version, path) = group(name)?;
    std::fs::create_dir(&path).map_err(at(&path))?;
    let quota = (PERIOD * percent / 100).max(1_000);
    let (file, value) = match version {
        Version::One => ("cpu.cfs_quota_us", quota.to_string()),
        Version::Two => ("cpu.max", format!("{quota} {PERIOD}")),
    };
    let file = path.join(file);
    if let Err(error) = std::fs::write(&file, value) {
        let _ = std::fs::remove_dir(&path);
        return Err(at(&file)(error));
    }
    Ok(path)
}

/// Puts a process into a group of its own that gets `percent` of one processor.
pub(super) fn limit(name: &str, pid: u32, percent: u64) -> io::Result<()> {
    let path = make(name, percent)?.join("cgroup.procs");
    std::fs::write(&path, pid.to_string()).map_err(at(&path))
}

/// Lets the processes of a group go, and removes it; nothing when it is not there.
pub(super) fn release(name: &str) -> io::Result<()> {
    let (version, path) = group(name)?;
    let procs = path.join("cgroup.procs");
    let home = home(version).join("cgroup.procs");
    let Ok(inside) = std::fs::read_to_string(&procs) else { return Ok(()) };
    for pid in inside.lines() {
        // One that has ended since is out as well.
        let _ = std::fs::write(&home, pid);
    }
    std::fs::remove_dir(&path).map_err(at(&path))
}

/// Makes a group and removes it.
pub(super) fn probe() -> io::Result<String> {
    let name = super::can::unique();
    make(&name, 50)?;
    release(&name)?;
    Ok(format!("control groups {}", if version()? == Version::One { 1 } else { 2 }))
}
