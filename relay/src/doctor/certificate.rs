//! The certificate: until when it is good, and who would accept it.

use std::time::Duration;

use certs::Pin;

use super::{Finding, Patient, probe::Chain};
use crate::{
    clock::unix_ms,
    identity::{Tls, acme},
    relay::link,
};

const CHECK: &str = "certificate";
/// How long a certificate has to be good for, at least: a weekend away.
const SOON: Duration = Duration::from_secs(4 * 24 * 3600);

/// What the running relay shows, and how the orders go.
pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Vec::new();
    let told = patient.status.as_ref().and_then(|status| status.orders);
    if let Some(state) = &patient.orders
        && told.unwrap_or(matches!(patient.config.tls, Tls::Acme(_)))
    {
        findings.push(orders(state, unix_ms() / 1000));
    }
    let Some(status) = &patient.status else {
        findings.extend(files(&patient.config.tls));
        return findings;
    };
    let name = name(patient);
    let address = status.addresses.iter().find_map(|address| address.parse().ok()).map(link::loopback);
    let (Some(address), Ok(pin)) = (address, status.pin.parse::<Pin>()) else {
        return findings;
    };
    if patient.config.proxies.have(address.ip()) {
        let found = format!("not looked at: --proxy names {}, and this program is no proxy", address.ip());
        findings.push(Finding::ok(CHECK, found));
        return findings;
    }
    match Chain::shown(address, &name).await {
        Ok(chain) => {
            findings.push(validity(chain.not_after_unix(), unix_ms() / 1000));
            findings.push(acceptance(&name, chain.has_pin(pin), chain.web_pki(&name)));
        }
        Err(error) => findings.push(Finding::fail(
            CHECK,
            format!("the running relay does not shake hands on this machine: {error}"),
            "look at its log (`journalctl -u schat-relay`), and restart it",
        )),
    }
    findings
}

/// The name that clients dial.
pub(super) fn name(patient: &Patient) -> String {
    let host = patient.config.host.clone();
    let host = host.or_else(|| patient.config.listen.first().map(|address| link::host(*address)));
    host.unwrap_or_else(|| "localhost".to_owned()).trim_matches(['[', ']']).to_owned()
}

fn validity(not_after: Option<u64>, now: u64) -> Finding {
    let renew = "renew it; for --cert and --key the relay takes new files by itself, for --domain see the log \
                 (`journalctl -u schat-relay`)";
    let Some(not_after) = not_after else {
        return Finding::fail(CHECK, "it cannot be read", renew);
    };
    match not_after.checked_sub(now) {
        None => Finding::fail(CHECK, "it has expired: clients without a link's pin refuse it", renew),
        Some(left) if left < SOON.as_secs() => {
            Finding::warn(CHECK, format!("it expires in {} hours", left / 3600), renew)
        }
        Some(left) => Finding::ok(CHECK, format!("good for another {} days", left / 86_400)),
    }
}

fn acceptance(name: &str, has_pin: bool, web_pki: Result<(), String>) -> Finding {
    match (has_pin, web_pki) {
        (true, Ok(())) => {
            Finding::ok(CHECK, format!("accepted as {name} by everybody, and by the pin in links"))
        }
        (true, Err(reason)) => Finding::ok(
            CHECK,
            format!(
                "accepted by the pin in links; not by this system's authorities ({reason}), so who dials {name} \
                 without a link is asked to trust it the first time"
            ),
        ),
        (false, _) => Finding::fail(
            CHECK,
            "what answers on the relay's port does not have the pin of its links",
            "another program or another relay answers there: `sudo ss -lunp` shows which; or restart the relay",
        ),
    }
}

fn orders(state: &acme::State, now: u64) -> Finding {
    match &state.error {
        None => Finding::ok(CHECK, "the last order brought a certificate"),
        Some(error) => Finding::warn(
            CHECK,
            format!(
                "{} orders in a row brought none (next in {} minutes): {error}",
                state.failures,
                state.next.saturating_sub(now) / 60
            ),
            "mend the cause, then `relay reload` tries at once",
        ),
    }
}

/// Files, while no relay shows what is in them.
fn files(tls: &Tls) -> Option<Finding> {
    let Tls::Files { cert, key } = tls else { return None };
    Some(match certs::load_pem(cert, key) {
        Ok(certificate) => validity(Some(certificate.not_after_unix), unix_ms() / 1000),
        Err(error) => Finding::fail(CHECK, error.to_string(), "mend the files that --cert and --key name"),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn certificate_near_its_end_warns_and_an_expired_one_fails() {
        assert_eq!(validity(Some(NOW - 1), NOW).level, Level::Fail);
        assert_eq!(validity(Some(NOW + 3600), NOW).level, Level::Warn);
        assert_eq!(validity(Some(NOW + 30 * 86_400), NOW).level, Level::Ok);
        assert_eq!(validity(None, NOW).level, Level::Fail);
    }

    #[test]
    fn certificate_of_another_relay_fails_whoever_vouches_for_it() {
        assert_eq!(acceptance("a", false, Ok(())).level, Level::Fail);
        let private = acceptance("a", true, Err("unknown issuer".to_owned()));
        assert!(private.level == Level::Ok && private.found.contains("unknown issuer"));
    }

    #[test]
    fn order_that_failed_is_told_with_its_cause() {
        let mut state = acme::State { failures: 3, next: NOW + 600, ..acme::State::default() };
        assert_eq!(orders(&state, NOW).level, Level::Ok);
        state.error = Some("the port is closed".to_owned());
        let finding = orders(&state, NOW);
        assert!(finding.level == Level::Warn && finding.found.contains("the port is closed"));
        assert!(finding.found.contains("next in 10 minutes"), "{}", finding.found);
    }

    #[test]
    fn missing_certificate_files_fail_before_the_relay_is_started() {
        let missing = std::path::PathBuf::from("/nonexistent.pem");
        let finding = files(&Tls::Files { cert: missing.clone(), key: missing }).unwrap();
        assert_eq!(finding.level, Level::Fail);
    }
}
