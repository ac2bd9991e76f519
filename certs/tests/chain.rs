//! What clients make of the chain: the Web PKI's own verifier has the say.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::{sync::Arc, time::Duration};

use certs::{Authority, CertsError, LEAF_LIFETIME, MAX_NAMES, Pin, ServerCertificate, pin_of};
use rustls::{
    CertificateError, Error, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

fn authority() -> Authority {
    Authority::load_or_create(tempfile::tempdir().unwrap().path()).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Verifies as a client that trusts `authority` would, `later` from now.
fn verify(
    authority: &Authority,
    server: &ServerCertificate,
    name: &str,
    later: Duration,
) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let [leaf, intermediates @ ..] = server.chain.as_slice() else {
        return Err(Error::NoCertificatesPresented);
    };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs()) + later);
    let name = ServerName::try_from(name).unwrap();
    verifier.verify_server_cert(leaf, intermediates, &name, &[], now).map(|_| ())
}

#[test]
fn the_chain_verifies_for_each_of_its_names() {
    let authority = authority();
    let given = ["chat.example.org", "Other.Example.", "127.0.0.1", "::1", "2001:db8::7"];
    let server = authority.leaf(&names(&given)).unwrap();
    for name in ["chat.example.org", "other.example", "127.0.0.1", "::1", "2001:db8::7"] {
        assert_eq!(verify(&authority, &server, name, Duration::ZERO), Ok(()), "{name}");
    }
}

#[test]
fn another_name_or_address_is_refused() {
    let authority = authority();
    let server = authority.leaf(&names(&["chat.example.org", "127.0.0.1"])).unwrap();
    for name in ["example.org", "a.chat.example.org", "127.0.0.2", "::1"] {
        assert!(matches!(
            verify(&authority, &server, name, Duration::ZERO),
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))
        ));
    }
}

#[test]
fn another_authority_does_not_vouch_for_the_leaf() {
    let server = authority().leaf(&names(&["chat.example.org"])).unwrap();
    assert_eq!(
        verify(&authority(), &server, "chat.example.org", Duration::ZERO),
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    );
}

#[test]
fn a_leaf_is_refused_after_its_last_moment() {
    let authority = authority();
    let server = authority.leaf(&names(&["chat.example.org"])).unwrap();
    let left = Duration::from_secs(server.not_after_unix - UnixTime::now().as_secs());
    assert!(left <= LEAF_LIFETIME && left > LEAF_LIFETIME - Duration::from_secs(60));
    let minute = Duration::from_secs(60);
    assert_eq!(verify(&authority, &server, "chat.example.org", left - minute), Ok(()));
    assert!(matches!(
        verify(&authority, &server, "chat.example.org", left + minute),
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { .. }))
    ));
}

#[test]
fn a_leaf_cannot_act_as_an_authority() {
    let authority = authority();
    let server = authority.leaf(&names(&["chat.example.org"])).unwrap();
    let (_, leaf) = x509_parser::parse_x509_certificate(server.chain.first().unwrap()).unwrap();
    assert!(!leaf.is_ca());
    assert!(!leaf.key_usage().unwrap().unwrap().value.key_cert_sign());
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
}

#[test]
fn the_chain_ends_in_the_pinned_authority_and_the_leaf_has_another_key() {
    let authority = authority();
    let server = authority.leaf(&names(&["chat.example.org"])).unwrap();
    let pins: Vec<Pin> = server.chain.iter().map(|der| pin_of(der).unwrap()).collect();
    assert_eq!(pins.len(), 2);
    assert_ne!(pins.first(), Some(&authority.pin()));
    assert_eq!(pins.last(), Some(&authority.pin()));
}

#[test]
fn a_certificate_with_bytes_behind_it_has_no_pin() {
    let mut der = authority().leaf(&names(&["chat.example.org"])).unwrap().chain.remove(0).to_vec();
    assert!(pin_of(&CertificateDer::from(der.as_slice())).is_ok());
    der.push(0);
    assert!(matches!(pin_of(&CertificateDer::from(der)), Err(CertsError::Malformed)));
}

#[test]
fn no_name_too_many_names_and_garbage_get_no_certificate() {
    let authority = authority();
    assert!(matches!(authority.leaf(&[]), Err(CertsError::NoName)));
    let many: Vec<String> = (0..=MAX_NAMES).map(|n| format!("n{n}.example.org")).collect();
    assert!(matches!(authority.leaf(&many), Err(CertsError::TooManyNames { .. })));
    let garbage = names(&["chat.example.org", "not a name"]);
    assert!(matches!(authority.leaf(&garbage), Err(CertsError::BadName { .. })));
}

#[test]
fn printing_shows_no_key() {
    let authority = authority();
    let server = authority.leaf(&names(&["chat.example.org"])).unwrap();
    let shown = format!("{authority:?} {:?}", server.key);
    assert!(shown.contains("elided"), "{shown}");
    let secret = format!("{:?}", server.key.secret_der());
    assert!(!format!("{server:?}").contains(secret.trim_matches(['[', ']'])));
}
