//! The UDP socket's buffers: what waits there while the relay is busy, and what was lost there.

use std::{fs, io, path::Path};

use super::{Finding, Patient};
use crate::{net::quic, policy::limits::SOCKET_BUFFER};

const CHECK: &str = "udp buffers";
/// Where Linux says how much a socket may ask for.
const LIMITS: &str = "/proc/sys/net/core";
/// Where Linux counts what its sockets lost.
const SOCKETS: &str = "/proc/net";

/// Linux counts its own overhead with a buffer, as much again (socket(7)).
const COUNTED: usize = if cfg!(target_os = "linux") { 2 } else { 1 };

/// Both.
pub(super) fn check(patient: &Patient) -> Vec<Finding> {
    let got = quic::probe(([127, 0, 0, 1], 0).into())
        .and_then(|socket| Ok((socket.recv_buffer_size()? / COUNTED, socket.send_buffer_size()? / COUNTED)));
    let mut findings = vec![sizes(got, Path::new(LIMITS))];
    if let Some(status) = &patient.status {
        let ports = status.addresses.iter().filter_map(|address| address.parse().ok());
        findings.extend(losses(
            &ports.map(|address: std::net::SocketAddr| address.port()).collect::<Vec<_>>(),
            Path::new(SOCKETS),
        ));
    }
    findings
}

/// What a socket like the relay's got of what it asked for.
fn sizes(got: io::Result<(usize, usize)>, limits: &Path) -> Finding {
    let (receive, send) = match got {
        Ok(got) => got,
        Err(error) => {
            return Finding::warn(
                CHECK,
                format!("cannot be asked for: {error}"),
                "check that this system has UDP",
            );
        }
    };
    let found = format!("receive {} KiB, send {} KiB", receive >> 10, send >> 10);
    if receive >= SOCKET_BUFFER && send >= SOCKET_BUFFER {
        return Finding::ok(CHECK, found);
    }
    let limit = |name| {
        fs::read_to_string(limits.join(name)).map_or("unknown".to_owned(), |text| text.trim().to_owned())
    };
    Finding::warn(
        CHECK,
        format!(
            "{found}, of {} KiB that were asked for (rmem_max {}, wmem_max {}): a burst is lost and sent again",
            SOCKET_BUFFER >> 10,
            limit("rmem_max"),
            limit("wmem_max"),
        ),
        format!(
            "`printf 'net.core.rmem_max={SOCKET_BUFFER}\\nnet.core.wmem_max={SOCKET_BUFFER}\\n' | sudo tee \
             /etc/sysctl.d/60-schat-relay.conf && sudo sysctl --system`, then restart the relay"
        ),
    )
}

/// What the kernel threw away at the relay's sockets.
fn losses(ports: &[u16], sockets: &Path) -> Option<Finding> {
    let tables = ["udp", "udp6"].map(|name| fs::read_to_string(sockets.join(name)).unwrap_or_default());
    let lost: u64 = tables.iter().flat_map(|table| table.lines()).filter_map(|line| drops(line, ports)).sum();
    (lost > 0).then(|| {
        Finding::warn(
            CHECK,
            format!("the kernel dropped {lost} datagrams at the relay's socket since it started"),
            "larger buffers if the finding above says so; else this machine is too slow, or somebody floods it \
             (`relay status`)",
        )
    })
}

/// The last column of a line of /proc/net/udp, if its local port is one of these.
fn drops(line: &str, ports: &[u16]) -> Option<u64> {
    let mut columns = line.split_whitespace();
    let (_, port) = columns.nth(1)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if !ports.contains(&port) {
        return None;
    }
    columns.last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn socket_that_got_less_than_it_asked_for_is_told_with_the_sysctl() {
        let limits = tempfile::TempDir::new().unwrap();
        fs::write(limits.path().join("rmem_max"), "212992\n").unwrap();
        assert_eq!(sizes(Ok((SOCKET_BUFFER, SOCKET_BUFFER)), limits.path()).level, Level::Ok);
        let finding = sizes(Ok((212_992, SOCKET_BUFFER)), limits.path());
        assert_eq!(finding.level, Level::Warn);
        assert!(finding.found.contains("rmem_max 212992, wmem_max unknown"), "{}", finding.found);
        assert!(finding.remedy.unwrap().contains("net.core.rmem_max="));
    }

    #[test]
    fn datagrams_lost_at_our_ports_are_counted_and_those_of_others_are_not() {
        let sockets = tempfile::TempDir::new().unwrap();
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             5321: 00000000:01BB 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 20001 2 0000000000000000 7\n\
             5322: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 20002 2 0000000000000000 99\n";
        fs::write(sockets.path().join("udp"), table).unwrap();
        let finding = losses(&[443], sockets.path()).unwrap();
        assert!(finding.found.contains("dropped 7 "), "{}", finding.found);
        assert!(losses(&[4443], sockets.path()).is_none());
    }
}
