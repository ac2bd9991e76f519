//! What needs a public authority, which tests have to bring themselves.

use std::{sync::Arc, time::Duration};

use certs::Authority;
use rustls::{client::danger::ServerCertVerifier, pki_types::ServerName};
use rustls_platform_verifier::Verifier;
use tempfile::TempDir;

use super::*;

const NAME: &str = "relay.example";

/// What a verifier decides whose system trusts `public`, about a leaf for `NAME` that `issuer` signed.
fn judge(
    public: &Authority,
    issuer: &Authority,
    ca: Option<CaFile>,
    known: ExpectedRelay,
) -> Result<Trust, Refusal> {
    let verifier = RelayVerifier { ca: ca.map(Arc::new), ..trusting(public, known) };
    decide(&verifier, &issuer.leaf(&names()).unwrap().chain)
}

fn names() -> [String; 1] {
    [NAME.to_owned()]
}

/// A verifier whose system trusts `public`.
fn trusting(public: &Authority, known: ExpectedRelay) -> RelayVerifier {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let root = public.leaf(&names()).unwrap().chain.pop().unwrap();
    let platform = Verifier::new_with_extra_roots([root], provider.clone()).unwrap();
    RelayVerifier { provider, platform: Some(Arc::new(platform)), ca: None, known, verdict: Arc::default() }
}

fn decide(verifier: &RelayVerifier, chain: &[CertificateDer<'static>]) -> Result<Trust, Refusal> {
    verdict(verifier, chain, UnixTime::now()).map(|verdict| verdict.trust)
}

fn verdict(
    verifier: &RelayVerifier,
    chain: &[CertificateDer<'static>],
    now: UnixTime,
) -> Result<Verdict, Refusal> {
    let (leaf, others) = chain.split_first().unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let accepted = verifier.verify_server_cert(leaf, others, &name, &[], now).is_ok();
    let verdict = verifier.verdict.lock().unwrap().unwrap();
    assert_eq!(accepted, verdict.is_ok());
    verdict
}

/// A clock that is wrong by so many hours.
fn off_by(hours: i64) -> UnixTime {
    let now = UnixTime::now().as_secs().saturating_add_signed(hours * 3600);
    UnixTime::since_unix_epoch(Duration::from_secs(now))
}

fn authorities(dir: &TempDir) -> (Authority, Authority) {
    let make = |name: &str| Authority::load_or_create(&dir.path().join(name)).unwrap();
    (make("public"), make("relay"))
}

#[test]
fn certificate_that_a_public_authority_issued_by_mistake_does_not_beat_the_pin() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let known = ExpectedRelay::Pinned(relay.pin());
    assert_eq!(judge(&public, &relay, None, known), Ok(Trust::Pinned(relay.pin())));
    assert_eq!(judge(&public, &public, None, known), Err(Refusal::Pin));
}

#[test]
fn without_a_pin_the_authorities_decide_before_the_first_sight() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let file = || CaFile::read(&dir.path().join("relay").join(certs::CA_CERT_FILE)).unwrap();
    assert_eq!(judge(&public, &public, Some(file()), ExpectedRelay::Nothing), Ok(Trust::WebPki));
    assert_eq!(judge(&public, &relay, Some(file()), ExpectedRelay::Nothing), Ok(Trust::CaFile));
    assert_eq!(judge(&public, &relay, None, ExpectedRelay::Nothing), Ok(Trust::FirstUse(relay.pin())));
}

#[test]
fn relay_that_authorities_vouched_for_never_falls_back_to_first_use() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let file = || CaFile::read(&dir.path().join("relay").join(certs::CA_CERT_FILE)).unwrap();
    assert_eq!(judge(&public, &public, None, ExpectedRelay::Authorities), Ok(Trust::WebPki));
    assert_eq!(judge(&public, &relay, Some(file()), ExpectedRelay::Authorities), Ok(Trust::CaFile));
    assert_eq!(judge(&public, &relay, None, ExpectedRelay::Authorities), Err(Refusal::Authorities));
}

#[test]
fn certificate_that_a_public_authority_issued_by_mistake_does_not_beat_what_is_remembered() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let file = CaFile::read(&dir.path().join("public").join(certs::CA_CERT_FILE)).unwrap();
    let known = ExpectedRelay::Remembered(relay.pin());
    assert_eq!(judge(&public, &relay, None, known), Ok(Trust::Remembered(relay.pin())));
    assert_eq!(judge(&public, &public, Some(file), known), Err(Refusal::Changed));
}

#[test]
fn beginning_of_a_pin_admits_that_authority_only_and_tells_its_whole_pin() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let prefix: [u8; 20] = relay.pin().as_bytes()[..20].try_into().unwrap();
    let known = ExpectedRelay::Begins(prefix.into());
    assert_eq!(judge(&public, &relay, None, known), Ok(Trust::Pinned(relay.pin())));
    assert_eq!(judge(&public, &public, None, known), Err(Refusal::Pin));
}

#[test]
fn wrong_clock_is_told_as_a_wrong_clock_whatever_the_ground() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let prefix: [u8; 20] = relay.pin().as_bytes()[..20].try_into().unwrap();
    let file = || Some(Arc::new(CaFile::read(&dir.path().join("relay").join(certs::CA_CERT_FILE)).unwrap()));
    for (known, issuer, ca) in [
        (ExpectedRelay::Pinned(relay.pin()), &relay, None),
        (ExpectedRelay::Begins(prefix.into()), &relay, None),
        (ExpectedRelay::Remembered(relay.pin()), &relay, None),
        (ExpectedRelay::Authorities, &public, None),
        (ExpectedRelay::Authorities, &relay, file()),
        (ExpectedRelay::Nothing, &public, None),
        (ExpectedRelay::Nothing, &relay, file()),
        (ExpectedRelay::Nothing, &relay, None),
    ] {
        let chain = issuer.leaf(&names()).unwrap().chain;
        let verifier = RelayVerifier { ca, ..trusting(&public, known) };
        let (early, late) = (off_by(-2), off_by(40 * 24));
        assert_eq!(
            verdict(&verifier, &chain, early),
            Err(Refusal::NotYet { now: early.as_secs() }),
            "{known:?}"
        );
        assert_eq!(
            verdict(&verifier, &chain, late),
            Err(Refusal::Expired { now: late.as_secs() }),
            "{known:?}"
        );
        assert!(verdict(&verifier, &chain, UnixTime::now()).is_ok(), "{known:?}");
    }
}

#[test]
fn wrong_clock_excuses_no_other_authority() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let evil = Authority::load_or_create(&dir.path().join("evil")).unwrap();
    let chain = evil.leaf(&names()).unwrap().chain;
    for (known, refusal) in [
        (ExpectedRelay::Pinned(relay.pin()), Refusal::Pin),
        (ExpectedRelay::Remembered(relay.pin()), Refusal::Changed),
        (ExpectedRelay::Authorities, Refusal::Authorities),
    ] {
        for hours in [-2, 0, 40 * 24] {
            assert_eq!(verdict(&trusting(&public, known), &chain, off_by(hours)), Err(refusal), "{hours}");
        }
    }
}

#[test]
fn public_certificate_out_of_its_time_is_no_first_sight() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let leaf = public.leaf(&names()).unwrap();
    // The relay's own voucher outlives what the public authority signed.
    let chain = relay.vouch(leaf, &names(), 3 * certs::LEAF_LIFETIME).unwrap().chain;
    let late = off_by(40 * 24);
    let refused = Err(Refusal::Expired { now: late.as_secs() });
    assert_eq!(verdict(&trusting(&public, ExpectedRelay::Nothing), &chain, late), refused);
    // Who has the pin needs no public authority.
    assert!(verdict(&trusting(&public, ExpectedRelay::Pinned(relay.pin())), &chain, late).is_ok());
}

#[test]
fn leaf_without_an_authority_is_never_remembered() {
    let own = rcgen::generate_simple_self_signed(names()).unwrap();
    let chain = [own.cert.der().clone()];
    assert_eq!(decide(&alone(ExpectedRelay::Nothing), &chain), Err(Refusal::NoAuthority));
}

#[test]
fn links_get_the_relays_own_authority_also_where_a_public_one_vouches() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let leaf = public.leaf(&names()).unwrap();
    let chain = relay.vouch(leaf.clone(), &names(), certs::LEAF_LIFETIME).unwrap().chain;
    for known in [ExpectedRelay::Nothing, ExpectedRelay::Authorities] {
        let verdict = verdict(&trusting(&public, known), &chain, UnixTime::now()).unwrap();
        assert_eq!(verdict, Verdict { trust: Trust::WebPki, own: Some(relay.pin()) });
    }
    // What only stands beside the chain is nobody's authority.
    let beside = [&leaf.chain[..], &relay.leaf(&names()).unwrap().chain[1..]].concat();
    let verdict = verdict(&trusting(&public, ExpectedRelay::Nothing), &beside, UnixTime::now()).unwrap();
    assert_ne!(verdict.own, Some(relay.pin()));
}

/// A leaf for `name` by an authority that another one vouches for, as public ones are; leaf first.
fn public_chain(name: &str) -> Vec<CertificateDer<'static>> {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        (params, KeyPair::generate().unwrap())
    };
    let ((top, top_key), (middle, middle_key)) = (authority("top"), authority("middle"));
    let top = Issuer::new(top, top_key);
    let middle_certificate = middle.signed_by(&middle_key, &top).unwrap();
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(middle, middle_key)).unwrap();
    vec![leaf.into(), middle_certificate.into()]
}

#[test]
fn pin_of_a_public_authority_does_not_admit_its_other_customers() {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    for (name, is_right) in [(NAME, true), ("evil.example", false)] {
        let chain = public_chain(name);
        let (leaf, others) = chain.split_first().unwrap();
        let pin = certs::pin_of(&others[0]).unwrap();
        for known in [ExpectedRelay::Pinned(pin), ExpectedRelay::Remembered(pin)] {
            let (provider, verdict) = (provider.clone(), Arc::default());
            let verifier = RelayVerifier { provider, platform: None, ca: None, known, verdict };
            let dialled = ServerName::try_from(NAME).unwrap();
            let accepted = verifier.verify_server_cert(leaf, others, &dialled, &[], UnixTime::now()).is_ok();
            assert_eq!(accepted, is_right, "{name} {known:?}");
        }
    }
}

/// A verifier whose system trusts nobody.
fn alone(known: ExpectedRelay) -> RelayVerifier {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    RelayVerifier { provider, platform: None, ca: None, known, verdict: Arc::default() }
}

#[test]
fn pin_of_the_relays_authority_holds_under_a_public_certificate_that_it_vouches_for() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let names = names();
    let leaf = public.leaf(&names).unwrap();
    let vouched = relay.vouch(leaf, &names, certs::LEAF_LIFETIME).unwrap().chain;
    let pin = relay.pin();
    let pinned = alone(ExpectedRelay::Pinned(pin));
    assert_eq!(decide(&pinned, &vouched), Ok(Trust::Pinned(pin)));
    // First seen under a public certificate, it is remembered by its own authority, which stays.
    assert_eq!(decide(&alone(ExpectedRelay::default()), &vouched), Ok(Trust::FirstUse(pin)));
}

#[test]
fn voucher_for_another_key_is_refused() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let names = names();
    let theirs = public.leaf(&names).unwrap();
    let vouched = relay.vouch(theirs, &names, certs::LEAF_LIFETIME).unwrap().chain;
    let [_, _, voucher, authority] = &vouched[..] else { panic!("a chain of four") };
    // Somebody with a certificate for the name, and everything that a true relay ever showed.
    let mut stolen = public.leaf(&names).unwrap().chain;
    stolen.extend([voucher.clone(), authority.clone()]);
    let pinned = alone(ExpectedRelay::Pinned(relay.pin()));
    assert_eq!(decide(&pinned, &stolen), Err(Refusal::Pin));
}
