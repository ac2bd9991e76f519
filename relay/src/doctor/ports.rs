//! Whether the addresses can be listened on.

use std::{io, net::SocketAddr};

use socket2::Type;

use super::{Finding, Level, Patient};
use crate::net::{listen::Fallback, socket};

const CHECK: &str = "ports";

/// The running relay's word, or a try.
pub(super) fn check(patient: &Patient) -> Vec<Finding> {
    if let Some(status) = &patient.status {
        return vec![Finding::ok(CHECK, format!("listening on {}", status.addresses.join(", ")))];
    }
    let mut findings = Vec::new();
    for address in patient.config.listen.iter().copied() {
        findings.push(finding(address, Type::DGRAM, socket::bind(address, Type::DGRAM).map(drop)));
        let fallback = patient.config.fallback;
        if fallback == Fallback::Off {
            continue;
        }
        let mut tcp = finding(address, Type::STREAM, socket::bind(address, Type::STREAM).map(drop));
        if fallback == Fallback::WhereFree {
            // The relay starts without it.
            tcp.level = tcp.level.min(Level::Warn);
        }
        findings.push(tcp);
    }
    findings
}

fn finding(address: SocketAddr, kind: Type, bound: io::Result<()>) -> Finding {
    let port = address.port();
    let (protocol, letter) = if kind == Type::STREAM { ("TCP", 't') } else { ("UDP", 'u') };
    match bound {
        Ok(()) => Finding::ok(CHECK, format!("{protocol} {address} is free and may be used")),
        Err(error) => match error.kind() {
            io::ErrorKind::AddrInUse => Finding::fail(
                CHECK,
                format!("{protocol} {address} is in use by another program"),
                format!(
                    "`sudo ss -ln{letter}p 'sport = :{port}'` shows which; stop it, or choose another port with --listen"
                ),
            ),
            io::ErrorKind::PermissionDenied => Finding::fail(
                CHECK,
                format!("this user may not listen on {protocol} {address}"),
                "in a systemd unit `AmbientCapabilities=CAP_NET_BIND_SERVICE`; else `sudo setcap \
                 cap_net_bind_service=+ep \"$(command -v relay)\"`, or a port above 1023 with --listen",
            ),
            _ => Finding::fail(
                CHECK,
                format!("{protocol} {address} cannot be used: {error}"),
                "`ip address` shows this machine's addresses; give one of them, 0.0.0.0 or [::] with --listen",
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_be_refused_has_its_own_remedy() {
        let address = "0.0.0.0:443".parse().unwrap();
        for (socket, kind, word) in [
            (Type::DGRAM, io::ErrorKind::AddrInUse, "ss -lnup 'sport = :443'"),
            (Type::STREAM, io::ErrorKind::AddrInUse, "ss -lntp 'sport = :443'"),
            (Type::DGRAM, io::ErrorKind::PermissionDenied, "setcap"),
            (Type::DGRAM, io::ErrorKind::AddrNotAvailable, "ip address"),
        ] {
            let finding = finding(address, socket, Err(kind.into()));
            assert_eq!(finding.level, Level::Fail);
            assert!(finding.remedy.unwrap().contains(word));
        }
    }
}
