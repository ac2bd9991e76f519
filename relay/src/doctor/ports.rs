//! Whether the addresses can be listened on.

use std::{io, net::SocketAddr};

use super::{Finding, Patient};
use crate::quic;

const CHECK: &str = "ports";

/// The running relay's word, or a try.
pub(super) fn check(patient: &Patient) -> Vec<Finding> {
    if let Some(status) = &patient.status {
        return vec![Finding::ok(CHECK, format!("listening on {}", status.addresses.join(", ")))];
    }
    patient.config.listen.iter().map(|address| finding(*address, quic::probe(*address).map(drop))).collect()
}

fn finding(address: SocketAddr, bound: io::Result<()>) -> Finding {
    let port = address.port();
    match bound {
        Ok(()) => Finding::ok(CHECK, format!("UDP {address} is free and may be used")),
        Err(error) => match error.kind() {
            io::ErrorKind::AddrInUse => Finding::fail(
                CHECK,
                format!("UDP {address} is in use by another program"),
                format!(
                    "`sudo ss -lunp 'sport = :{port}'` shows which; stop it, or choose another port with --listen"
                ),
            ),
            io::ErrorKind::PermissionDenied => Finding::fail(
                CHECK,
                format!("this user may not listen on UDP {address}"),
                "in a systemd unit `AmbientCapabilities=CAP_NET_BIND_SERVICE`; else `sudo setcap cap_net_bind_service=+ep \
                 \"$(command -v relay)\"`, or a port above 1023 with --listen",
            ),
            _ => Finding::fail(
                CHECK,
                format!("UDP {address} cannot be used: {error}"),
                "`ip address` shows this machine's addresses; give one of them, 0.0.0.0 or [::] with --listen",
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn each_way_to_be_refused_has_its_own_remedy() {
        let address = "0.0.0.0:443".parse().unwrap();
        for (kind, word) in [
            (io::ErrorKind::AddrInUse, "ss -lunp 'sport = :443'"),
            (io::ErrorKind::PermissionDenied, "setcap"),
            (io::ErrorKind::AddrNotAvailable, "ip address"),
        ] {
            let finding = finding(address, Err(kind.into()));
            assert_eq!(finding.level, Level::Fail);
            assert!(finding.remedy.unwrap().contains(word));
        }
    }
}
