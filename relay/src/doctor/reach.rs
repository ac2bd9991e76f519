//! Whether the relay is reached under the name in its links: a real handshake, by QUIC and by TCP.

use std::{net::SocketAddr, time::Duration};

use certs::Pin;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{
    Finding, Patient, certificate,
    probe::{Chain, ProbeError},
};
use crate::net::listen::Fallback;

const NAME: &str = "name";
const LISTENING: &str = "listening";
const UDP: &str = "udp reachable";
const TCP: &str = "tcp reachable";
/// The most addresses of one name that are tried.
const ADDRESSES: usize = 8;
/// Time for a name server.
const RESOLVE_TIME: Duration = Duration::from_secs(10);
/// Time for a TCP connection.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// A relay as others see it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name or address.
    pub host: String,
    /// The port, for UDP and TCP.
    pub port: u16,
    /// What its links pin.
    pub pin: Option<Pin>,
}

/// From here to the running relay, under its own name.
pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let Some(status) = &patient.status else { return Vec::new() };
    let listening: Vec<SocketAddr> =
        status.addresses.iter().filter_map(|address| address.parse().ok()).collect();
    let host = certificate::name(patient);
    let port = listening.first().map_or(443, SocketAddr::port);
    let target = Target { host, port, pin: status.pin.parse().ok() };
    let with_tcp = patient.config.fallback != Fallback::Off;
    if !listening.is_empty() && listening.iter().all(|address| address.ip().to_canonical().is_loopback()) {
        // Whatever the name means: nobody comes to it from elsewhere.
        let mut findings = vec![loopback_only(&listening)];
        findings.extend(shake(&target, listening, Vantage::Itself, with_tcp).await);
        return findings;
    }
    look(&target, Vantage::Itself, with_tcp).await
}

/// From here to a relay elsewhere: only that.
pub async fn remote(target: &Target) -> Vec<Finding> {
    look(target, Vantage::Elsewhere, true).await
}

/// Where the look comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vantage {
    /// The relay's own machine: routers often do not send back what comes from inside (NAT hairpin).
    Itself,
    /// Another machine, whose word counts.
    Elsewhere,
}

async fn look(target: &Target, from: Vantage, with_tcp: bool) -> Vec<Finding> {
    let addresses = match timeout(RESOLVE_TIME, lookup_host((&*target.host, target.port))).await {
        Ok(Ok(addresses)) => addresses.take(ADDRESSES).collect::<Vec<_>>(),
        Ok(Err(error)) => return vec![unresolved(target, &error.to_string())],
        Err(_) => return vec![unresolved(target, "the name server does not answer")],
    };
    if addresses.is_empty() {
        return vec![unresolved(target, "it has no address")];
    }
    let mut findings = vec![resolved(target, &addresses)];
    findings.extend(shake(target, addresses, from, with_tcp).await);
    findings
}

async fn shake(target: &Target, addresses: Vec<SocketAddr>, from: Vantage, with_tcp: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for address in addresses {
        let shaken = Chain::shown(address, &target.host).await;
        let shaken = shaken.map(|chain| target.pin.is_none_or(|pin| chain.has_pin(pin)));
        findings.push(udp(target, address, &shaken, from));
        if with_tcp {
            let connected = timeout(CONNECT_TIME, TcpStream::connect(address)).await;
            findings.push(tcp(address, matches!(connected, Ok(Ok(_)))));
        }
    }
    findings
}

fn loopback_only(listening: &[SocketAddr]) -> Finding {
    let list: Vec<_> = listening.iter().map(ToString::to_string).collect();
    let port = listening.first().map_or(443, SocketAddr::port);
    Finding::warn(
        LISTENING,
        format!("it listens on loopback only ({}): no other machine reaches it", list.join(", ")),
        format!("for people elsewhere: `--listen [::]:{port}`, or leave --listen out"),
    )
}

fn unresolved(target: &Target, reason: &str) -> Finding {
    let host = &target.host;
    Finding::fail(
        NAME,
        format!("{host} does not resolve here: {reason}"),
        format!(
            "set the name's A record (and AAAA, if there is IPv6) at its registrar; `getent ahosts {host}` shows what is there"
        ),
    )
}

fn resolved(target: &Target, addresses: &[SocketAddr]) -> Finding {
    let list: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    // An address needs no name to be looked up.
    let found = match list.as_slice() {
        [only] if *only == target.host => format!("the address {only}"),
        _ => format!("{} is {}", target.host, list.join(", ")),
    };
    if addresses.iter().all(|address| is_local(address.ip())) {
        return Finding::warn(
            NAME,
            format!("{found}: only this network reaches that"),
            "for people elsewhere: a public name with --host (or --domain), and a port forwarded in the router",
        );
    }
    Finding::ok(NAME, found)
}

/// Addresses that mean nothing elsewhere.
fn is_local(address: std::net::IpAddr) -> bool {
    match address.to_canonical() {
        std::net::IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        std::net::IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// `shaken`: whether who answered has the pin.
fn udp(target: &Target, address: SocketAddr, shaken: &Result<bool, ProbeError>, from: Vantage) -> Finding {
    let port = target.port;
    let elsewhere = match target.pin {
        Some(pin) => format!(
            "`relay doctor --remote {}:{port} --pin {pin}` on a machine elsewhere tells for sure",
            target.host
        ),
        None => {
            format!("`relay doctor --remote {}:{port}` on a machine elsewhere tells for sure", target.host)
        }
    };
    let open =
        format!("open UDP {port} in the firewall (`sudo ufw allow {port}/udp`) and forward it in the router");
    match (shaken, from) {
        (Ok(true), Vantage::Itself) => Finding::ok(
            UDP,
            format!(
                "{address} answers from this machine; it says nothing about firewalls on the way to others"
            ),
        ),
        (Ok(true), Vantage::Elsewhere) => Finding::ok(UDP, format!("{address} answers")),
        (Ok(false), _) => Finding::fail(
            UDP,
            format!("{address} is another relay: it does not have the pin"),
            "point the name and the forwarded port at the right machine, or use a link of the relay that is there",
        ),
        (Err(error), Vantage::Itself) if !is_local(address.ip()) => Finding::warn(
            UDP,
            format!(
                "{address} does not answer from this machine ({error}); many routers do not send back what comes from inside"
            ),
            format!("{elsewhere}; if that fails, too: {open}"),
        ),
        // No firewall is between a machine and itself.
        (Err(error), Vantage::Itself) if address.ip().to_canonical().is_loopback() => Finding::fail(
            UDP,
            format!("{address} does not answer ({error})"),
            "look at its log (`journalctl -u schat-relay`), and restart it",
        ),
        (Err(error), _) => Finding::fail(UDP, format!("{address} does not answer ({error})"), open),
    }
}

fn tcp(address: SocketAddr, connected: bool) -> Finding {
    let port = address.port();
    if connected {
        return Finding::ok(TCP, format!("{address} takes connections"));
    }
    if address.ip().to_canonical().is_loopback() {
        return Finding::warn(
            TCP,
            format!("{address} takes no TCP connections: another program may have had the port"),
            "free it and restart the relay, or do without by --tcp=false",
        );
    }
    Finding::warn(
        TCP,
        format!("{address} takes no TCP connections; who sits behind a firewall that blocks UDP cannot come"),
        format!("open TCP {port} in the firewall (`sudo ufw allow {port}/tcp`) and forward it in the router"),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    fn target() -> Target {
        Target { host: "chat.example.org".to_owned(), port: 4443, pin: Some(Pin::from([7; 32])) }
    }

    #[test]
    fn silence_is_a_failure_from_elsewhere_and_a_doubt_from_within() {
        let silent = Err(ProbeError::Silent);
        let public = "203.0.113.1:4443".parse().unwrap();
        let within = udp(&target(), public, &silent, Vantage::Itself);
        assert_eq!(within.level, Level::Warn);
        let remedy = within.remedy.unwrap();
        assert!(remedy.contains("relay doctor --remote chat.example.org:4443 --pin sha256:0707"), "{remedy}");
        let elsewhere = udp(&target(), public, &silent, Vantage::Elsewhere);
        assert_eq!(elsewhere.level, Level::Fail);
        assert!(elsewhere.remedy.unwrap().contains("ufw allow 4443/udp"));
        // No router is to blame on the way to oneself.
        assert_eq!(
            udp(&target(), "127.0.0.1:4443".parse().unwrap(), &silent, Vantage::Itself).level,
            Level::Fail
        );
    }

    #[test]
    fn loopback_is_no_matter_of_firewalls_and_routers() {
        let address: SocketAddr = "127.0.0.1:4443".parse().unwrap();
        let silent = udp(&target(), address, &Err(ProbeError::Silent), Vantage::Itself);
        for finding in [loopback_only(&[address]), silent, tcp(address, false)] {
            let remedy = finding.remedy.unwrap();
            assert!(!remedy.contains("ufw") && !remedy.contains("router"), "{remedy}");
        }
    }

    #[test]
    fn another_relay_under_our_name_fails() {
        let address = "203.0.113.1:4443".parse().unwrap();
        for from in [Vantage::Itself, Vantage::Elsewhere] {
            assert_eq!(udp(&target(), address, &Ok(false), from).level, Level::Fail);
        }
    }

    #[test]
    fn name_with_addresses_of_this_network_only_warns() {
        let level = |address: &str| resolved(&target(), &[address.parse().unwrap()]).level;
        for local in
            ["192.168.1.2:443", "10.0.0.1:443", "127.0.0.1:443", "[fd00::1]:443", "[::ffff:10.0.0.1]:443"]
        {
            assert_eq!(level(local), Level::Warn, "{local}");
        }
        assert_eq!(level("203.0.113.1:443"), Level::Ok);
    }

    #[tokio::test]
    async fn name_that_nobody_has_fails_with_the_record_to_set() {
        let target = Target { host: "nobody.invalid".to_owned(), ..target() };
        let findings = remote(&target).await;
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].level == Level::Fail && findings[0].remedy.as_ref().unwrap().contains("A record")
        );
    }
}
