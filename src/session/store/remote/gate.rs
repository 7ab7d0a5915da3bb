//! Whether a server keeps what it acknowledges. Looked at before the store opens, and now and then
//! after.

use std::time::Duration;

use redis::Value;
use svgx_base::budget::{Clock as _, Monotonic};
use svgx_redis::{Broken, Link};

use super::RETRY;
use super::keys::{pairs, text};
use crate::store::StoreError;

/// The oldest version with everything that is used.
const OLDEST: u32 = 7;
/// For how long a server is waited for that does not answer when the store is opened.
const START: Duration = Duration::from_secs(10);

/// What is wrong with a server: each with the setting to change.
///
/// # Errors
/// [`Broken`] when it does not answer.
pub(super) fn weaknesses(link: &mut Link, trust: bool) -> Result<Vec<String>, Broken> {
    let info = link.ask(|_| redis::cmd("INFO"))?;
    let info = text(&info).unwrap_or_default();
    let config = link.ask(|_| {
        let mut command = redis::cmd("CONFIG");
        command.arg("GET").arg("appendfsync");
        command
    });
    // A service that others run forbids CONFIG, by an error or by an empty answer.
    let config = match config {
        Ok(config) => config,
        Err(Broken(reason)) if reason.starts_with("NOPERM") || reason.starts_with("ERR") => {
            Value::Nil
        }
        Err(broken) => return Err(broken),
    };
    let fsync = pairs(&config).next().and_then(|(_, value)| text(value));
    Ok(judge(&info, fsync.as_deref(), trust))
}

fn judge(info: &str, fsync: Option<&str>, trust: bool) -> Vec<String> {
    let said = |name: &str| {
        info.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'))
    };
    let mut weak = Vec::new();
    let mut demand = |name: &str, wanted: &str, why: &str| match said(name) {
        Some(found) if found == wanted => {}
        None if trust => {}
        found => weak.push(format!("{why} (INFO says {name}:{})", found.unwrap_or("nothing"))),
    };
    demand("role", "master", "it is a replica: give the address of the primary");
    demand("cluster_enabled", "0", "it is a cluster: set `cluster-enabled no`");
    demand("aof_enabled", "1", "it keeps no append-only file: set `appendonly yes`");
    demand(
        "maxmemory_policy",
        "noeviction",
        "it may evict whole sessions: set `maxmemory-policy noeviction`",
    );
    match fsync {
        Some("always") => {}
        None if trust => {}
        Some(found) => weak.push(format!(
            "it acknowledges what is not on the disk yet: set `appendfsync always` (it is `{found}`)"
        )),
        None => weak.push(
            "it does not say `appendfsync`, because CONFIG is forbidden: where it is known to be \
             `always`, say --store-trust on"
                .to_owned(),
        ),
    }
    // Valkey says the version of Redis that it stands for.
    let version = said("redis_version").unwrap_or_default();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) && !(trust && version.is_empty()) {
        weak.push(format!("its version is {version:?}: {OLDEST}.0 or newer is needed"));
    }
    weak
}

/// What is wrong with a server, once it answers: it may be starting like this process.
///
/// # Errors
/// [`StoreError::Io`] where it does not within ten seconds.
pub(super) fn first_answer(link: &mut Link, trust: bool) -> Result<Vec<String>, StoreError> {
    let clock = Monotonic::new();
    let began = clock.now();
    loop {
        match weaknesses(link, trust) {
            Ok(weak) => return Ok(weak),
            Err(Broken(reason)) if clock.now().since(began) >= START => {
                return Err(StoreError::Io(reason));
            }
            Err(Broken(_)) => std::thread::sleep(RETRY),
        }
    }
}

/// The same as an error, where there is something.
///
/// # Errors
/// [`StoreError::Weak`].
pub(super) fn refuse(weak: &[String]) -> Result<(), StoreError> {
    if weak.is_empty() { Ok(()) } else { Err(StoreError::Weak { reason: weak.join("; ") }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.0.15\r\nrole:master\r\naof_enabled:1\r\n\
                        maxmemory_policy:noeviction\r\ncluster_enabled:0\r\n";

    #[test]
    fn each_weakness_names_the_setting_to_change() {
        assert_eq!(judge(GOOD, Some("always"), false), Vec::<String>::new());
        for (from, to, fsync, named) in [
            ("role:master", "role:slave", Some("always"), "primary"),
            ("aof_enabled:1", "aof_enabled:0", Some("always"), "`appendonly yes`"),
            ("noeviction", "allkeys-lru", Some("always"), "`maxmemory-policy noeviction`"),
            ("cluster_enabled:0", "cluster_enabled:1", Some("always"), "`cluster-enabled no`"),
            ("7.0.15", "6.2.1", Some("always"), "7.0 or newer"),
            ("", "", Some("everysec"), "`appendfsync always`"),
            ("", "", None, "--store-trust"),
        ] {
            let info = if from.is_empty() { GOOD.to_owned() } else { GOOD.replace(from, to) };
            let weak = judge(&info, fsync, false);
            assert_eq!(weak.len(), 1, "{from}: {weak:?}");
            assert!(weak[0].contains(named), "{weak:?}");
        }
    }

    #[test]
    fn trust_takes_what_is_not_said_and_nothing_that_is_said_wrongly() {
        assert_eq!(judge(GOOD, None, true), Vec::<String>::new());
        assert_eq!(judge("", None, true), Vec::<String>::new());
        assert_eq!(judge(GOOD, Some("no"), true).len(), 1);
        assert_eq!(judge(&GOOD.replace("role:master", "role:slave"), None, true).len(), 1);
    }
}
