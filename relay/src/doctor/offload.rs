//! Whether the kernel takes and gives many datagrams at once (GSO, GRO): a third to a half of the work per packet.

use std::io;

use quinn::udp::UdpSocketState;

use super::Finding;
use crate::net::quic;

const CHECK: &str = "udp offload";

/// Asks a socket like the relay's.
pub(super) fn check() -> Finding {
    let state = quic::probe(([127, 0, 0, 1], 0).into()).and_then(|socket| {
        UdpSocketState::new((&socket).into()).map(|state| (state.max_gso_segments(), state.gro_segments()))
    });
    finding(state)
}

fn finding(segments: io::Result<(usize, usize)>) -> Finding {
    let remedy = "Linux 5.0 or later has both (`uname -r`); in a container or a virtual machine they come from the host";
    match segments {
        Ok((send, receive)) if send > 1 && receive > 1 => {
            Finding::ok(CHECK, format!("up to {send} datagrams sent and {receive} received at once"))
        }
        Ok((send, receive)) => {
            let have = |count| if count > 1 { "yes" } else { "no" };
            let found = format!(
                "sending many at once (GSO): {}, receiving (GRO): {}; the relay works, with more load",
                have(send),
                have(receive)
            );
            Finding::warn(CHECK, found, remedy)
        }
        Err(error) => Finding::warn(CHECK, format!("cannot be asked for: {error}"), remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn each_missing_offload_is_named() {
        assert_eq!(finding(Ok((64, 64))).level, Level::Ok);
        let one = finding(Ok((1, 64)));
        assert!(
            one.level == Level::Warn && one.found.contains("(GSO): no") && one.found.contains("(GRO): yes")
        );
    }
}
