//! Whether a browser that opens the relay's address gets the page.

use super::{Finding, Patient, certificate, probe::Chain};
use crate::{
    net::{listen::Fallback, web::Served},
    relay::link,
};

const CHECK: &str = "browsers";

/// What the running relay serves, and whether a browser trusts it.
pub(super) async fn check(patient: &Patient) -> Option<Finding> {
    let status = patient.status.as_ref()?;
    let served = status.browsers?;
    let name = certificate::name(patient);
    let with_tcp = patient.config.fallback != Fallback::Off;
    let address = status.addresses.iter().find_map(|address| address.parse().ok()).map(link::loopback)?;
    if served != Served::Page || !with_tcp || patient.config.proxies.have(address.ip()) {
        return finding(served, with_tcp, &name, &Ok(()));
    }
    let trusted = match Chain::shown(address, &name).await {
        Ok(chain) => chain.web_pki(&name),
        // Said where the certificate is looked at.
        Err(_) => return None,
    };
    finding(served, with_tcp, &name, &trusted)
}

fn finding(served: Served, with_tcp: bool, name: &str, trusted: &Result<(), String>) -> Option<Finding> {
    match (served, trusted) {
        (Served::Off, _) => None,
        (_, _) if !with_tcp => Some(Finding::warn(
            CHECK,
            "they get no page: it comes over TCP, and that is off",
            "leave --tcp=false out; or set --web=false, if no browser is to come",
        )),
        (Served::NoPage, _) => {
            Some(Finding::ok(CHECK, "they are told that this program was built without a page"))
        }
        (Served::Page, Ok(())) => Some(Finding::ok(CHECK, format!("https://{name}/ opens the page"))),
        (Served::Page, Err(reason)) => Some(Finding::warn(
            CHECK,
            format!("they do not trust the certificate for {name} ({reason}), and warn of the page"),
            "`--domain NAME` gets a certificate that they trust, --cert brings one; or set --web=false, if no browser is to come",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn page_that_browsers_cannot_have_is_told_with_what_helps() {
        let (trusted, own) = (Ok(()), Err("unknown issuer".to_owned()));
        let look = |served, with_tcp, trusted| finding(served, with_tcp, "chat.example.org", trusted);
        assert_eq!(look(Served::Off, false, &own), None);
        for (served, with_tcp, trusted, level) in [
            (Served::Page, true, &trusted, Level::Ok),
            (Served::NoPage, true, &own, Level::Ok),
            (Served::Page, true, &own, Level::Warn),
            (Served::Page, false, &trusted, Level::Warn),
            (Served::NoPage, false, &trusted, Level::Warn),
        ] {
            let found = look(served, with_tcp, trusted).unwrap();
            assert_eq!(found.level, level, "{served:?} {with_tcp} {trusted:?}");
            assert_eq!(found.remedy.is_some(), level == Level::Warn);
        }
        assert!(look(Served::Page, true, &own).unwrap().remedy.unwrap().contains("--domain NAME"));
    }
}
