//! How the text of a setting is read.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

pub(super) fn set<T: std::str::FromStr>(to: &mut T, text: &str) -> Result<(), String>
where
    T::Err: fmt::Display,
{
    *to = text.trim().parse().map_err(|e: T::Err| e.to_string())?;
    Ok(())
}

/// An address to listen on: `127.0.0.1:8000`, a name such as `localhost:8000`, or `:8000` for every
/// address of this machine.
pub(super) fn address(to: &mut SocketAddr, text: &str) -> Result<(), String> {
    let text = text.trim();
    let wrong = "expected an address and a port, such as 127.0.0.1:8000, localhost:8000 or :8000";
    if let Ok(at) = text.parse() {
        *to = at;
        return Ok(());
    }
    let (host, port) = text.rsplit_once(':').ok_or(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong)?;
    if host.is_empty() {
        *to = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        return Ok(());
    }
    let all =
        (host, port).to_socket_addrs().map_err(|_| format!("{wrong}; {host:?} is not known"))?;
    // One answer on every machine, where a name stands for addresses of both kinds.
    let mut all: Vec<SocketAddr> = all.collect();
    all.sort_by_key(SocketAddr::is_ipv6);
    *to = *all.first().ok_or(wrong)?;
    Ok(())
}

pub(super) fn positive<T: std::str::FromStr + PartialOrd + Default>(
    to: &mut T,
    text: &str,
) -> Result<(), String>
where
    T::Err: fmt::Display,
{
    set(to, text)?;
    if *to > T::default() { Ok(()) } else { Err("must be more than 0".into()) }
}

pub(super) fn seconds(to: &mut Duration, text: &str) -> Result<(), String> {
    let read = svgx_base::duration::read_or_seconds(text).map_err(|e| e.to_string())?;
    if read > Duration::from_secs(86_400) {
        return Err("expected seconds between 0 and 86400".into());
    }
    *to = read;
    Ok(())
}

pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.trim().parse().map_err(|_| "expected bytes, such as 10MiB")?;
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "k" | "kib" => 1 << 10,
        "mb" => 1_000_000,
        "m" | "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "g" | "gib" => 1 << 30,
        _ => return Err("unknown unit; expected B, KiB, MiB or GiB".into()),
    };
    number.checked_mul(factor).ok_or_else(|| "too large".into())
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err("expected true or false".into()),
    }
}

pub(super) fn path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    (!text.is_empty() && text != "none").then(|| PathBuf::from(text))
}
