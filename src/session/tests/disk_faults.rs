//! Faults of real file systems: a full disk, a size limit, a flush that fails. Where the
//! machine has not got what a test needs, the test says so and is skipped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use svgx_session::{Embedded, Key, Store as _, StoreHealth, StoreLimits};

const DIRECTORY: &str = "SVGX_TEST_FAULT_DIRECTORY";
/// More than any of the limits below leaves room for.
const RECORD: usize = 200_000;

fn key() -> Key {
    Key::new("tenant", "s").unwrap()
}

/// A file system of its own, of 24 MB; unmounted when it goes.
struct Small(PathBuf, Option<tempfile::TempDir>);

impl Small {
    fn mount() -> Option<Small> {
        let directory = tempfile::tempdir().ok()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(directory.path())
            .stderr(Stdio::null())
            .status();
        let mounted = mounted.is_ok_and(|status| status.success());
        mounted.then(|| Small(directory.path().to_owned(), Some(directory)))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        drop(self.1.take());
    }
}

fn filled(directory: &Path) -> Embedded {
    let store = Embedded::open(directory, StoreLimits::default()).unwrap();
    store.begin(&key(), 0, "<svg/>", Vec::new()).wait().unwrap();
    store
}

/// Appends until the store fails; answers the last sequence that was acknowledged.
fn fill(store: &Embedded, from: u64, limit: u64) -> Option<u64> {
    (from..from + limit).find_map(|sequence| {
        let failed = store.append(&key(), sequence, vec![sequence as u8; RECORD]).wait().err()?;
        assert_eq!(failed.code(), "store-failed", "{failed}");
        Some(sequence - 1)
    })
}

fn until_it_works(store: &Embedded) {
    for _ in 0..6_000 {
        if store.health() == StoreHealth::Working {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the store did not recover: {:?}", store.health());
}

/// Everything up to `acknowledged` is there, and the store takes more.
fn verify(store: &Embedded, acknowledged: u64) {
    let stored = store.load(&key()).unwrap().unwrap();
    assert_eq!(stored.damage, []);
    assert!(stored.last >= acknowledged, "{} of {acknowledged}", stored.last);
    for (at, (sequence, record)) in (1..=acknowledged).zip(&stored.records) {
        assert_eq!((*sequence, record.len(), record[0]), (at, RECORD, at as u8));
    }
    store.append(&key(), stored.last + 1, b"after".to_vec()).wait().unwrap();
}

#[test]
fn a_full_disk_is_survived() {
    let Some(disk) = Small::mount() else {
        println!("skipped: no tmpfs can be mounted here");
        return;
    };
    let store = filled(&disk.0.join("data"));
    let filler = disk.0.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 65_536]).is_ok() {}
    drop(file);
    let acknowledged = fill(&store, 1, 200).expect("24 MB are full");
    assert!(matches!(store.health(), StoreHealth::Failed { .. }));
    std::fs::remove_file(&filler).unwrap();
    until_it_works(&store);
    verify(&store, acknowledged);
    store.close().unwrap();
    let again = Embedded::open(&disk.0.join("data"), StoreLimits::default()).unwrap();
    assert!(again.load(&key()).unwrap().unwrap().last > acknowledged);
}

#[test]
#[ignore = "run as a child process by the tests of faults"]
fn child_that_fills_its_store_until_it_fails_and_recovers() {
    let directory = std::env::var(DIRECTORY).expect("the test of faults sets it");
    let store = filled(Path::new(&directory));
    let Some(acknowledged) = fill(&store, 1, 120) else {
        println!("never failed");
        return;
    };
    println!("failed {acknowledged}");
    std::io::stdout().flush().unwrap();
    until_it_works(&store);
    verify(&store, acknowledged);
    store.close().unwrap();
    println!("recovered {acknowledged}");
}

/// Runs the child above; `command` is what runs it.
fn child(mut command: Command, directory: &Path) -> (Child, impl Iterator<Item = String>) {
    let mut child = command
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines.map_while(Result::ok))
}

const CHILD: [&str; 4] = [
    "disk_faults::child_that_fills_its_store_until_it_fails_and_recovers",
    "--exact",
    "--ignored",
    "--nocapture",
];

fn after<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    line.split(word).nth(1).map(str::trim)
}

#[test]
fn a_limit_on_the_size_of_files_is_survived() {
    if Command::new("prlimit").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no prlimit to lift a limit with");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    // The signal that comes with the error ends a process that does not ignore it.
    let script = r#"trap '' XFSZ; ulimit -S -f 8192; exec "$@""#;
    command.args(["-c", script, "bash"]).arg(std::env::current_exe().unwrap()).args(CHILD);
    let (mut child, mut lines) = child(command, directory.path());
    let failed = lines.find_map(|line| after(&line, "failed ").map(str::to_owned));
    let failed = failed.expect("8 MB are less than 120 records");
    let lifted = Command::new("prlimit")
        .args(["--pid", &child.id().to_string(), "--fsize=unlimited"])
        .status()
        .unwrap();
    assert!(lifted.success());
    let recovered = lines.find_map(|line| after(&line, "recovered ").map(str::to_owned));
    assert!(child.wait().unwrap().success());
    assert_eq!(recovered, Some(failed));
}

#[test]
fn a_flush_that_fails_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    let tried = Command::new("strace")
        .args(["-f", "-e", "trace=none", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    if !tried.is_ok_and(|status| status.success()) {
        println!("skipped: strace cannot trace here");
        return;
    }
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"])
        .args(["-e", "inject=fsync,fdatasync:error=EIO:when=40..43"])
        .arg(std::env::current_exe().unwrap())
        .args(CHILD);
    let (mut child, lines) = child(command, directory.path());
    let lines: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{lines:?}");
    let find = |word| lines.iter().find_map(|line| after(line, word));
    assert!(find("failed ").is_some(), "{lines:?}");
    assert_eq!(find("recovered "), find("failed "));
}
