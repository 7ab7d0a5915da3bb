//! The control group of this process, with every group around it. A quota or a throttling of
//! any of them holds: systemd and `cgroupns=host` put a process deep into a tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folders of the groups that limit processors, the process' own first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroup(Vec<PathBuf>);

impl Cgroup {
    /// Of this process, as the kernel tells it; of no group where it does not.
    pub fn of_this_process() -> Cgroup {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Cgroup::find(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))
    }

    /// From the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`. Where version 1 has
    /// the processors' controller, it counts; else version 2.
    fn find(groups: &str, mounts: &str) -> Cgroup {
        let one = groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            controllers.split(',').any(|c| c == "cpu").then_some(path)
        });
        let two = groups.lines().find_map(|line| line.strip_prefix("0::"));
        let found = one.and_then(|path| Some((path, mount(mounts, false)?)));
        match found.or_else(|| Some((two?, mount(mounts, true)?))) {
            Some((path, mount)) => mount.folders(path),
            None => Cgroup::default(),
        }
    }

    /// The smallest quota in processors; none where all is unlimited.
    pub fn quota(&self) -> Option<f64> {
        self.0.iter().filter_map(|folder| quota(folder)).min_by(f64::total_cmp)
    }

    /// How long the process was kept from running: the longest of all groups around it, for
    /// one may be throttled while another is. None where nothing is counted.
    pub fn throttled(&self) -> Option<Duration> {
        self.0.iter().filter_map(|folder| throttled(folder)).max()
    }
}

/// A mounted hierarchy.
struct Mount {
    /// The group that is seen as its top.
    root: String,
    at: PathBuf,
}

impl Mount {
    /// The folder of the group at `path`, and those of all groups above it that can be seen.
    fn folders(&self, path: &str) -> Cgroup {
        let path = Path::new(path);
        let below = path.strip_prefix(&self.root).or_else(|_| path.strip_prefix("/"));
        // A group outside of what is mounted (`/../x`) shows its top only.
        let below = below.ok().filter(|b| b.components().all(|c| c.as_os_str() != ".."));
        let own = self.at.join(below.unwrap_or_else(|| Path::new("")));
        let seen = own.ancestors().take_while(|folder| folder.starts_with(&self.at));
        Cgroup(seen.map(Path::to_owned).collect())
    }
}

/// Where the hierarchy is mounted (proc_pid_mountinfo(5)): the unified one, or that with the
/// processors' controller.
fn mount(mounts: &str, unified: bool) -> Option<Mount> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut kind = after.split(' ');
        let name = kind.next()?;
        let options = kind.nth(1).unwrap_or_default();
        let fits = if unified {
            name == "cgroup2"
        } else {
            name == "cgroup" && options.split(',').any(|o| o == "cpu")
        };
        let mut fields = before.split(' ').skip(3);
        let (root, at) = (fields.next()?, fields.next()?);
        fits.then(|| Mount { root: root.to_owned(), at: PathBuf::from(at) })
    })
}

/// The quota of one group, of version 2 or 1.
fn quota(folder: &Path) -> Option<f64> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    match read("cpu.max") {
        Some(text) => share(&text),
        None => {
            let (quota, period) = (read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?);
            share(&format!("{} {}", quota.trim(), period.trim()))
        }
    }
}

/// Reads `QUOTA PERIOD`; `max` and `-1` are no quota.
fn share(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let quota: f64 = words.next()?.parse().ok()?;
    let period: f64 = words.next()?.parse().ok()?;
    let processors = quota / period;
    (processors.is_finite() && processors > 0.0).then_some(processors)
}

fn throttled(folder: &Path) -> Option<Duration> {
    let text = fs::read_to_string(folder.join("cpu.stat")).ok()?;
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok())
    };
    value("throttled_usec ")
        .map(Duration::from_micros)
        .or_else(|| value("throttled_time ").map(Duration::from_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";
    const TWO: &str = "31 23 0:28 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";
    const INSIDE: &str = "31 23 0:28 /kubepods/pod7 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_own_group_and_all_around_it_are_found() {
        for (groups, mounts, folders) in [
            ("0::/a/b\n", TWO, vec!["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"]),
            ("0::/\n", TWO, vec!["/sys/fs/cgroup"]),
            ("0::/kubepods/pod7/c\n", INSIDE, vec!["/sys/fs/cgroup/c", "/sys/fs/cgroup"]),
            ("0::/../other\n", TWO, vec!["/sys/fs/cgroup"]),
            (
                "8:cpuset:/x\n9:cpu,cpuacct:/s/inner\n0::/\n",
                ONE,
                vec![
                    "/sys/fs/cgroup/cpu,cpuacct/s/inner",
                    "/sys/fs/cgroup/cpu,cpuacct/s",
                    "/sys/fs/cgroup/cpu,cpuacct",
                ],
            ),
            ("", TWO, vec![]),
            ("0::/a\n", "", vec![]),
            ("nonsense\n0:x\n", "a - b\n - \n", vec![]),
        ] {
            let expected = Cgroup(folders.into_iter().map(PathBuf::from).collect());
            assert_eq!(Cgroup::find(groups, mounts), expected, "{groups:?}");
        }
    }

    /// A tree of groups: `a`, and `a/b` inside it, each with these files.
    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Cgroup) {
        let top = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(top.path().join("a/b")).expect("folders");
        for (name, text) in files {
            fs::write(top.path().join(name), text).expect("written");
        }
        let at = top.path().to_owned();
        let group = Mount { root: "/".to_owned(), at }.folders("/a/b");
        (top, group)
    }

    #[test]
    fn the_smallest_quota_of_all_holds_and_keeps_its_fraction() {
        type Files = &'static [(&'static str, &'static str)];
        let cases: [(Files, Option<f64>); 8] = [
            (&[("a/cpu.max", "50000 100000\n"), ("a/b/cpu.max", "max 100000\n")], Some(0.5)),
            (&[("a/cpu.max", "max 100000\n"), ("a/b/cpu.max", "150000 100000\n")], Some(1.5)),
            (&[("a/cpu.max", "150000 100000\n"), ("a/b/cpu.max", "200000 100000\n")], Some(1.5)),
            (&[("cpu.max", "25000 100000\n"), ("a/b/cpu.max", "max 100000\n")], Some(0.25)),
            (
                &[
                    ("a/cpu.cfs_quota_us", "50000\n"),
                    ("a/cpu.cfs_period_us", "100000\n"),
                    ("a/b/cpu.cfs_quota_us", "-1\n"),
                    ("a/b/cpu.cfs_period_us", "100000\n"),
                ],
                Some(0.5),
            ),
            (&[("a/cpu.max", "0 100000"), ("a/b/cpu.max", "100000 0")], None),
            (&[("a/cpu.max", "")], None),
            (&[], None),
        ];
        for (files, expected) in cases {
            assert_eq!(tree(files).1.quota(), expected, "{files:?}");
        }
    }

    #[test]
    fn throttling_of_any_group_is_seen() {
        let (_top, two) = tree(&[
            ("a/cpu.stat", "nr_throttled 3\nthrottled_usec 2380000\n"),
            ("a/b/cpu.stat", "usage_usec 9\nthrottled_usec 0\n"),
        ]);
        assert_eq!(two.throttled(), Some(Duration::from_millis(2_380)));
        let (_top, one) = tree(&[("a/b/cpu.stat", "nr_throttled 1\nthrottled_time 7000\n")]);
        assert_eq!(one.throttled(), Some(Duration::from_micros(7)));
        assert_eq!(tree(&[]).1.throttled(), None);
    }
}
