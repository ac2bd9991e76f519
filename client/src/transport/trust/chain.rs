//! What a relay presented, and what can be said of it.

use std::time::Duration;

use certs::Pin;
use rustls::{
    RootCertStore,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime},
    server::ParsedCertificate,
};

/// A relay's certificates, the name that was dialled, and when.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    pub(super) leaf: &'a CertificateDer<'a>,
    pub(super) others: &'a [CertificateDer<'a>],
    pub(super) name: &'a ServerName<'a>,
    pub(super) now: UnixTime,
    pub(super) algorithms: &'a [&'static dyn SignatureVerificationAlgorithm],
}

impl<'a> Chain<'a> {
    /// What `found` finds now, or else the first moment of some certificate at which it finds something. Where several
    /// certificates are valid together at all, they are so when the youngest of them begins: no other moment has to be
    /// tried.
    pub(super) fn when<T>(&self, found: impl Fn(&Self) -> Option<T>) -> When<T> {
        if let Some(found) = found(self) {
            return When::Now(found);
        }
        let begins = self.all().filter_map(|certificate| certs::validity_unix(certificate).ok());
        let mut begins = begins.map(|(first, _)| UnixTime::since_unix_epoch(Duration::from_secs(first)));
        begins.find(|at| found(&Self { now: *at, ..*self }).is_some()).map_or(When::Never, When::At)
    }

    fn all(&self) -> impl Iterator<Item = &'a CertificateDer<'a>> {
        std::iter::once(self.leaf).chain(self.others)
    }

    /// The pin of a certificate of the chain that is `expected` and vouches for the leaf.
    pub(super) fn vouched_by(&self, expected: impl Fn(Pin) -> bool) -> Option<Pin> {
        self.all().find_map(|certificate| {
            let pin = certs::pin_of(certificate).ok().filter(|pin| expected(*pin))?;
            self.vouches(certificate).then_some(pin)
        })
    }

    /// A certificate of these authorities vouches for the leaf, and for its name: they may speak for many machines.
    pub(super) fn is_signed_for_its_name(&self, roots: &RootCertStore) -> bool {
        self.signed(self.leaf, roots, self.others) && self.is_for_its_name()
    }

    /// The relay's own authority: self-signed, it signed a voucher for the leaf's key, or the leaf itself. A voucher
    /// goes first, since a relay shows one wherever another authority certified it.
    pub(super) fn own(&self) -> Option<Pin> {
        let own = |signed: &dyn Fn(&RootCertStore) -> bool| {
            let mut others = self.others.iter().rev();
            let found = others.find(|other| {
                certs::is_self_signed(other)
                    && anchor(other).is_some_and(|roots| signed(&roots))
                    && certs::pin_of(other).ok() != certs::pin_of(self.leaf).ok()
            })?;
            certs::pin_of(found).ok()
        };
        own(&|roots| self.vouchers().any(|voucher| self.signed(voucher, roots, &[])))
            .or_else(|| own(&|roots| self.signed(self.leaf, roots, &[])))
    }

    /// What is remembered on first use: the relay's own authority, else the last of those that vouch for the leaf. Never
    /// the leaf: leaves are short-lived, authorities stay.
    pub(super) fn lasting(&self) -> Option<Pin> {
        let leaf = certs::pin_of(self.leaf).ok()?;
        self.own().or_else(|| {
            let pins = self.others.iter().rev().filter(|other| self.vouches(other));
            pins.filter_map(|other| certs::pin_of(other).ok()).find(|pin| *pin != leaf)
        })
    }

    /// The certificate is the leaf, or signed it. A relay's own authority speaks for that relay only, so names
    /// do not matter then; it may also have signed a voucher, a second certificate for the key whose possession
    /// the handshake proves. A public authority speaks for many: it is vouched for by another, or signs through
    /// one that is, and then the name counts.
    fn vouches(&self, certificate: &CertificateDer<'_>) -> bool {
        if certificate == self.leaf {
            return true;
        }
        let Some(roots) = anchor(certificate) else { return false };
        let is_private = || self.signed(self.leaf, &roots, &[]) && certs::is_self_signed(certificate);
        (self.signed(self.leaf, &roots, self.others) && (self.is_for_its_name() || is_private()))
            || (certs::is_self_signed(certificate)
                && self.vouchers().any(|voucher| self.signed(voucher, &roots, &[])))
    }

    /// Certificates for the leaf's key, beside the leaf.
    fn vouchers(&self) -> impl Iterator<Item = &'a CertificateDer<'a>> {
        let key = certs::pin_of(self.leaf).ok();
        self.others.iter().filter(move |other| key.is_some() && certs::pin_of(other).ok() == key)
    }

    fn signed(
        &self,
        certificate: &CertificateDer<'_>,
        roots: &RootCertStore,
        between: &[CertificateDer<'_>],
    ) -> bool {
        let Ok(certificate) = ParsedCertificate::try_from(certificate) else { return false };
        verify_server_cert_signed_by_trust_anchor(&certificate, roots, between, self.now, self.algorithms)
            .is_ok()
    }

    /// The leaf is for the name that was dialled.
    fn is_for_its_name(&self) -> bool {
        ParsedCertificate::try_from(self.leaf).is_ok_and(|leaf| verify_server_name(&leaf, self.name).is_ok())
    }
}

fn anchor(certificate: &CertificateDer<'_>) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned()).ok()?;
    Some(roots)
}

/// When something was found.
pub(super) enum When<T> {
    /// Now.
    Now(T),
    /// Then, and not now.
    At(UnixTime),
    /// Whatever the time is.
    Never,
}
