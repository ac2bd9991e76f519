//! The leaves that browsers know by their hashes: the one that is shown, and the next one, which is made before it is
//! shown, so that who knows both finds the relay again.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use certs::{Authority, BROWSER_LEAF_LIFETIME, BrowserLeaf, ServerCertificate};

use super::{
    IdentityError,
    life::{BACKDATED, Life, RENEW_AFTER},
};
use crate::net::tls::Certificate;

/// Who is next, and when.
pub(super) struct Browsers(Mutex<Turn>);

struct Turn {
    life: Life,
    next: ServerCertificate,
}

impl Browsers {
    /// Shows the first.
    pub(super) fn begin(
        authority: &Authority,
        names: &[String],
        certificate: &Certificate,
        now: u64,
    ) -> Result<Self, IdentityError> {
        Ok(Self(Mutex::new(Turn::of(None, authority, names, certificate, now)?)))
    }

    /// Shows the next one if it is time; whether it did.
    pub(super) fn look(
        &self,
        authority: &Authority,
        names: &[String],
        certificate: &Certificate,
        now: u64,
    ) -> Result<bool, IdentityError> {
        let mut turn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !turn.life.is_due(now) {
            return Ok(false);
        }
        *turn = Turn::of(Some(turn.next.clone()), authority, names, certificate, now)?;
        Ok(true)
    }
}

impl Turn {
    /// Shows what was promised, if it is its time: a clock that jumped may have left it behind.
    fn of(
        promised: Option<ServerCertificate>,
        authority: &Authority,
        names: &[String],
        certificate: &Certificate,
        now: u64,
    ) -> Result<Self, IdentityError> {
        let half = BROWSER_LEAF_LIFETIME.as_secs() / RENEW_AFTER;
        let promised = promised.filter(|next| {
            let begins = next.not_before_unix.saturating_add(BACKDATED);
            (begins..begins.saturating_add(half)).contains(&now)
        });
        let leaf = |begins| authority.browser_leaf(names, moment(begins));
        let present = match promised {
            Some(next) => next,
            None => leaf(now)?,
        };
        let begins = present.not_before_unix.saturating_add(BACKDATED);
        let next = leaf(begins.saturating_add(half))?;
        let said = authority.announce(now, vec![BrowserLeaf::of(&present)?, BrowserLeaf::of(&next)?])?;
        certificate.show_browsers(present, &said)?;
        Ok(Self { life: Life::new(begins, BROWSER_LEAF_LIFETIME), next })
    }
}

fn moment(unix: u64) -> SystemTime {
    // Certificates know no moment beyond the year 9999, and say so.
    UNIX_EPOCH.checked_add(Duration::from_secs(unix)).unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u64 = BROWSER_LEAF_LIFETIME.as_secs() / 2;

    struct Relay {
        _dir: tempfile::TempDir,
        authority: Authority,
        names: Vec<String>,
        certificate: Certificate,
    }

    impl Relay {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let authority = Authority::load_or_create(dir.path()).unwrap();
            let names = vec!["localhost".to_owned()];
            let certificate = Certificate::new(authority.leaf(&names).unwrap()).unwrap();
            Self { _dir: dir, authority, names, certificate }
        }

        /// The hash of what is shown, and what is announced.
        fn shown(&self) -> ([u8; 32], Vec<BrowserLeaf>) {
            let json = self.certificate.browsers().announced().unwrap();
            let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
            let leaves = json["leaves"].as_array().unwrap().iter().map(|leaf| BrowserLeaf {
                sha256: base64::Engine::decode(
                    &base64::prelude::BASE64_URL_SAFE_NO_PAD,
                    leaf["sha256"].as_str().unwrap(),
                )
                .unwrap()
                .try_into()
                .unwrap(),
                not_before: leaf["not_before"].as_u64().unwrap(),
                not_after: leaf["not_after"].as_u64().unwrap(),
            });
            (self.certificate.browsers().hash().unwrap(), leaves.collect())
        }

        fn look(&self, browsers: &Browsers, now: u64) -> bool {
            browsers.look(&self.authority, &self.names, &self.certificate, now).unwrap()
        }
    }

    #[test]
    fn what_was_announced_as_next_is_shown_next() {
        let relay = Relay::new();
        let now = 1_800_000_000;
        let browsers = Browsers::begin(&relay.authority, &relay.names, &relay.certificate, now).unwrap();
        let (first, announced) = relay.shown();
        assert_eq!((announced.len(), announced[0].sha256), (2, first));
        assert!(!relay.look(&browsers, now + HALF - 1));
        assert_eq!(relay.shown().0, first);
        assert!(relay.look(&browsers, now + HALF + 5));
        let (second, later) = relay.shown();
        assert_eq!((second, later[0]), (announced[1].sha256, announced[1]));
        assert_ne!(later[1].sha256, second);
        for leaf in announced.iter().chain(&later) {
            assert!(leaf.not_after - leaf.not_before <= 14 * 24 * 3600);
        }
        assert!(announced[1].not_before <= now + HALF && now + HALF < announced[0].not_after);
    }

    #[test]
    fn clock_that_jumps_leaves_no_leaf_that_browsers_refuse() {
        let relay = Relay::new();
        let now = 1_800_000_000;
        let browsers = Browsers::begin(&relay.authority, &relay.names, &relay.certificate, now).unwrap();
        for now in [now + 100 * HALF, now, now - 50 * HALF] {
            assert!(relay.look(&browsers, now));
            let (shown, announced) = relay.shown();
            assert_eq!(shown, announced[0].sha256);
            assert!((announced[0].not_before..announced[0].not_after).contains(&now), "{now}");
        }
    }
}
