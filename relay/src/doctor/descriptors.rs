//! File descriptors: one for each connection over TCP, and a few files.

use std::fs;

use super::{Finding, Patient};

const CHECK: &str = "file descriptors";
/// What the relay needs besides connections: sockets, the database, the runtime, logs, the operator's connections.
const OWN: u64 = 128;

/// The running relay's limit, else that of this process, which a relay started from here would have.
pub(super) fn check(patient: &Patient) -> Finding {
    let needed = u64::try_from(patient.config.limits.connections).unwrap_or(u64::MAX).saturating_add(OWN);
    let limit = match &patient.status {
        Some(status) => {
            fs::read_to_string(format!("/proc/{}/limits", status.pid)).ok().and_then(|text| soft(&text))
        }
        None => own(),
    };
    finding(limit, needed)
}

fn finding(limit: Option<u64>, needed: u64) -> Finding {
    let Some(limit) = limit else {
        return Finding::warn(
            CHECK,
            "this system does not say how many the relay may open",
            "run this as the relay's user, or compare `ulimit -n` with --connections",
        );
    };
    if limit >= needed {
        return Finding::ok(CHECK, format!("{limit} may be open, {needed} are needed at most"));
    }
    Finding::warn(
        CHECK,
        format!("{limit} may be open, {needed} are needed if all connections come over TCP"),
        format!(
            "in a systemd unit `LimitNOFILE={needed}` (`sudo systemctl edit schat-relay`), in a shell `ulimit -n {needed}`; \
             or fewer --connections"
        ),
    )
}

/// The soft limit in /proc/…/limits.
fn soft(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(unix)]
fn own() -> Option<u64> {
    Some(rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX))
}

#[cfg(not(unix))]
fn own() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn limit_below_the_connections_is_told_with_the_number_that_is_needed() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
             Max open files            1024                 524288               files     \n";
        assert_eq!(soft(text), Some(1024));
        assert_eq!(soft("Max open files unlimited unlimited files"), Some(u64::MAX));
        let finding = finding(soft(text), 4224);
        assert_eq!(finding.level, Level::Warn);
        assert!(finding.remedy.unwrap().contains("LimitNOFILE=4224"));
    }

    #[test]
    fn enough_and_unknown_are_not_the_same() {
        assert_eq!(finding(Some(4224), 4224).level, Level::Ok);
        assert_eq!(finding(None, 4224).level, Level::Warn);
    }
}
