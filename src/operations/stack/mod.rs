//! The real stack on this machine: engine, Collector, Prometheus, Alertmanager,
//! and a receiver of what Alertmanager sends, on loopback, with the very files
//! that a cluster mounts. Where they are asked for, a Redis, a second engine that
//! shares its sessions, and a worker.
//!
//! What runs is written down in `state.json` (process id and the moment it
//! started), so that a later command ends exactly what this one began.

mod config;
mod part;
mod process;
pub mod receiver;

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use part::ENGINE;
pub use part::Part;
pub(crate) use process::Process;

/// Why the stack could not be started or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A configuration is not what it should be.
    #[error("{0}: {1}")]
    Config(PathBuf, String),
    /// A program that is needed is not installed.
    #[error("{part}: {program} is not installed ({how})")]
    Missing {
        /// What it is for.
        part: Part,
        /// Its name.
        program: &'static str,
        /// How to get it.
        how: &'static str,
    },
    /// A port is taken.
    #[error("{part}: {at} is taken; `--ports free` chooses free ones, `--port-base` others")]
    Taken {
        /// Who wanted it.
        part: Part,
        /// The address.
        at: SocketAddr,
    },
    /// A part ended, or did not answer in time.
    #[error("{part} is not ready after {waited:?}; its last words, in {}:\n{words}", log.display())]
    NotReady {
        /// Which.
        part: Part,
        /// How long it was waited for.
        waited: Duration,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        words: String,
    },
}

/// Which ports are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Those everybody knows: 8000, 9464, 9090, 9093, 4317.
    Usual,
    /// As many as a stack takes, free and in a row, below those that the system gives to
    /// connections: a part that is started again finds its own.
    Free,
    /// From this one on, in the order of [`Addresses`].
    From(u16),
}

/// Where everything listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Addresses {
    /// The engine's public endpoints.
    pub engine: SocketAddr,
    /// The engine's metrics and probes.
    pub internal: SocketAddr,
    /// The Collector, OTLP over gRPC.
    pub collector: SocketAddr,
    /// The Collector, OTLP over HTTP.
    pub collector_http: SocketAddr,
    /// Whether the Collector is well.
    pub collector_health: SocketAddr,
    /// Prometheus.
    pub prometheus: SocketAddr,
    /// Alertmanager.
    pub alertmanager: SocketAddr,
    /// Whoever is told.
    pub receiver: SocketAddr,
    /// The Redis.
    pub store: SocketAddr,
    /// Where the second engine reaches the first.
    pub peer: SocketAddr,
    /// The second engine's public endpoints.
    pub replica: SocketAddr,
    /// Its metrics and probes.
    pub replica_internal: SocketAddr,
    /// Where the first engine reaches it.
    pub replica_peer: SocketAddr,
    /// The worker's metrics and probes.
    pub worker: SocketAddr,
}

/// How many ports a stack takes.
pub const PORTS: usize = 14;

const USUAL: [u16; PORTS] =
    [8000, 9464, 4317, 4318, 13133, 9090, 9093, 5001, 6379, 9465, 8001, 9466, 9467, 9468];

impl Addresses {
    fn new(ports: Ports) -> std::io::Result<Addresses> {
        let mut at = USUAL.map(loopback);
        let ports = if ports == Ports::Free { free()? } else { ports };
        if let Ports::From(base) = ports {
            let wrong =
                || std::io::Error::other(format!("there are no {PORTS} ports from {base} on"));
            for (n, at) in at.iter_mut().enumerate() {
                let port = u16::try_from(n).ok().and_then(|n| base.checked_add(n));
                *at = loopback(port.ok_or_else(wrong)?);
            }
        }
        let [
            engine,
            internal,
            collector,
            collector_http,
            collector_health,
            prometheus,
            alertmanager,
            receiver,
            store,
            peer,
            replica,
            replica_internal,
            replica_peer,
            worker,
        ] = at;
        Ok(Addresses {
            engine,
            internal,
            collector,
            collector_http,
            collector_health,
            prometheus,
            alertmanager,
            receiver,
            store,
            peer,
            replica,
            replica_internal,
            replica_peer,
            worker,
        })
    }
}

/// Where free ports are looked for (`net.ipv4.ip_local_port_range` begins at 32768).
const BELOW_CONNECTIONS: std::ops::Range<u16> = 20_000..32_000;

/// Ports in a row that nobody has, looked for from another place by each process.
fn free() -> std::io::Result<Ports> {
    let all = u16::try_from(USUAL.len()).unwrap_or_default();
    let blocks = BELOW_CONNECTIONS.len() / USUAL.len();
    let first = std::process::id() as usize % blocks;
    let bases = (0..blocks).filter_map(|n| {
        let block = u16::try_from((first + n) % blocks).ok()?;
        Some(BELOW_CONNECTIONS.start + all * block)
    });
    let is_free = |port: u16| TcpListener::bind(loopback(port)).is_ok();
    let found = bases.into_iter().find(|base| (*base..base + all).all(is_free));
    let none =
        || std::io::Error::other(format!("no {PORTS} ports are free in {BELOW_CONNECTIONS:?}"));
    found.map(Ports::From).ok_or_else(none)
}

/// Whether nobody has an address, or its owner, who may just have been killed, lets it go soon.
fn gets_free(at: SocketAddr) -> bool {
    const PAUSE: Duration = Duration::from_millis(100);
    (0..20).any(|tried| {
        std::thread::sleep(if tried == 0 { Duration::ZERO } else { PAUSE });
        TcpListener::bind(at).is_ok()
    })
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// What is written down between two commands.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StackRecord {
    addresses: Addresses,
    parts: BTreeMap<Part, Process>,
}

impl StackRecord {
    /// Whether the part was started here, and not ended by `down`.
    fn has(&self, part: Part) -> bool {
        self.parts.contains_key(&part)
    }
}

/// How a part does.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Which.
    pub part: Part,
    /// The process, while it runs.
    pub pid: Option<u32>,
    /// Whether it answers.
    pub ready: bool,
    /// Where to look, for people and programs.
    pub address: String,
}

/// A stack in a folder.
#[derive(Debug)]
pub struct Stack {
    /// Where logs, data and `state.json` are.
    dir: PathBuf,
    /// The root of the project: `alerts/`, `k8s/`.
    root: PathBuf,
}

impl Stack {
    /// The stack whose state is in `dir`, made of the files under `root`.
    pub fn new(dir: &Path, root: &Path) -> Stack {
        let absolute = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_path_buf());
        Stack { dir: absolute(dir), root: absolute(root) }
    }

    /// Where logs, data and the list of what runs are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The root of the project.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where everything listens; none before anything was started.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn addresses(&self) -> Result<Option<Addresses>, Error> {
        Ok(self.read()?.map(|state| state.addresses))
    }

    /// The process of a part, while it runs.
    pub(crate) fn process(&self, part: Part) -> Result<Option<Process>, Error> {
        let process = self.read()?.and_then(|mut state| state.parts.remove(&part));
        Ok(process.filter(Process::runs))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn read(&self) -> Result<Option<StackRecord>, Error> {
        let path = self.path("state.json");
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|e| Error::Config(path, e.to_string())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::File(path, e)),
        }
    }

    fn write(&self, state: &StackRecord) -> Result<(), Error> {
        let path = self.path("state.json");
        let text = serde_json::to_string_pretty(state)
            .map_err(|e| Error::Config(path.clone(), e.to_string()))?;
        std::fs::write(&path, text).map_err(|e| Error::File(path, e))
    }

    /// Starts those of `parts` that do not run; `say` hears of each.
    ///
    /// # Errors
    /// [`Error`]; what was started before stays, and `down` ends it.
    pub fn up(
        &self,
        parts: &[Part],
        ports: Ports,
        say: &mut dyn FnMut(String),
    ) -> Result<Addresses, Error> {
        std::fs::create_dir_all(&self.dir).map_err(|e| Error::File(self.dir.clone(), e))?;
        let mut state = match self.read()? {
            Some(state) => state,
            None => StackRecord {
                addresses: Addresses::new(ports).map_err(|e| Error::File(self.dir.clone(), e))?,
                parts: BTreeMap::new(),
            },
        };
        for &part in parts {
            if state.parts.get(&part).is_some_and(Process::runs) {
                continue;
            }
            let program = match part.program() {
                Ok(program) => program,
                // Without a Collector the engine counts what it loses and runs all the same.
                Err(error) if part == Part::Collector => {
                    say(format!("skipped {error}"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if part == Part::Collector && !self.root.join(config::COLLECTOR).is_file() {
                say(format!("skipped {part}: {} is not there", config::COLLECTOR));
                continue;
            }
            if let Some(at) = part.listens(&state.addresses).into_iter().find(|at| !gets_free(*at))
            {
                return Err(Error::Taken { part, at });
            }
            let mut command = std::process::Command::new(program);
            self.configure(part, &state, &mut command)?;
            let log = self.path(&format!("{part}.log"));
            let process = Process::start(&mut command, &log)
                .map_err(|e| Error::File(PathBuf::from(command.get_program()), e))?;
            state.parts.insert(part, process.clone());
            self.write(&state)?;
            self.wait(part, &state.addresses, &process, &log)?;
            say(format!("{part:<13} {}", part.address(&state.addresses)));
        }
        Ok(state.addresses)
    }

    /// Waits until a part answers.
    fn wait(
        &self,
        part: Part,
        addresses: &Addresses,
        process: &Process,
        log: &Path,
    ) -> Result<(), Error> {
        const PAUSE: Duration = Duration::from_millis(100);
        const TRIES: u32 = 900;
        for tried in 1..=TRIES {
            if part.ready(addresses) {
                return Ok(());
            }
            if !process.runs() || tried == TRIES {
                let text = std::fs::read_to_string(log).unwrap_or_default();
                let mut words: Vec<&str> = text.lines().rev().take(5).collect();
                words.reverse();
                return Err(Error::NotReady {
                    part,
                    waited: PAUSE * tried,
                    log: log.to_path_buf(),
                    words: words.join("\n"),
                });
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Ends those of `parts` that this stack started, the last started first.
    /// Answers how many ran.
    ///
    /// # Errors
    /// The state cannot be read or written.
    pub fn down(&self, parts: &[Part], say: &mut dyn FnMut(String)) -> Result<usize, Error> {
        let Some(mut state) = self.read()? else { return Ok(0) };
        let mut ended = 0;
        for part in parts.iter().rev() {
            let Some(process) = state.parts.remove(part) else { continue };
            if process.runs() {
                let how = if process.end() { "ended" } else { "killed" };
                say(format!("{part:<13} {how}"));
                ended += 1;
            }
        }
        if state.parts.is_empty() {
            let path = self.path("state.json");
            std::fs::remove_file(&path).map_err(|e| Error::File(path, e))?;
        } else {
            self.write(&state)?;
        }
        Ok(ended)
    }

    /// The last `lines` lines of what a part has said; `None` where it never ran here.
    ///
    /// # Errors
    /// The log is there and cannot be read.
    pub fn log(&self, part: Part, lines: usize) -> Result<Option<String>, Error> {
        /// Bytes at the end of a log that are looked at.
        const END: u64 = 1 << 20;
        let path = self.path(&format!("{part}.log"));
        let failed = |e| Error::File(path.clone(), e);
        let mut file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let length = file.metadata().map_err(failed)?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(END))).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(END).read_to_end(&mut bytes).map_err(failed)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut last: Vec<&str> = text.lines().rev().take(lines).collect();
        last.reverse();
        Ok(Some(last.iter().map(|line| format!("{line}\n")).collect()))
    }

    /// How each part does, those that nobody asked for left out; empty when nothing was started.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn status(&self) -> Result<Vec<Status>, Error> {
        let Some(state) = self.read()? else { return Ok(Vec::new()) };
        let asked = |part: &Part| part.usual() || state.has(*part);
        let all = Part::ALL.into_iter().filter(asked).map(|part| {
            let process = state.parts.get(&part).filter(|p| p.runs());
            Status {
                part,
                pid: process.map(|p| p.pid),
                ready: process.is_some() && part.ready(&state.addresses),
                address: part.address(&state.addresses),
            }
        });
        Ok(all.collect())
    }
}
