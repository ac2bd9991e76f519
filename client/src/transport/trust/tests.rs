//! What needs a public authority, which tests have to bring themselves.

use certs::Authority;
use tempfile::TempDir;

use super::*;

const NAME: &str = "relay.example";

/// What a verifier decides whose system trusts `public`, about a leaf for `NAME` that `issuer` signed.
fn judge(public: &Authority, issuer: &Authority, ca: Option<CaFile>, known: Known) -> Result<Trust, Refusal> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let names = [NAME.to_owned()];
    let root = public.leaf(&names).unwrap().chain.pop().unwrap();
    let platform = Verifier::new_with_extra_roots([root], provider.clone()).unwrap();
    let verifier = RelayVerifier {
        provider,
        platform: Some(Arc::new(platform)),
        ca: ca.map(Arc::new),
        known,
        verdict: Arc::default(),
    };
    decide(&verifier, &issuer.leaf(&names).unwrap().chain)
}

fn decide(verifier: &RelayVerifier, chain: &[CertificateDer<'static>]) -> Result<Trust, Refusal> {
    let (leaf, others) = chain.split_first().unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let accepted = verifier.verify_server_cert(leaf, others, &name, &[], UnixTime::now()).is_ok();
    let verdict = verifier.verdict.lock().unwrap().unwrap();
    assert_eq!(accepted, verdict.is_ok());
    verdict
}

fn authorities(dir: &TempDir) -> (Authority, Authority) {
    let make = |name: &str| Authority::load_or_create(&dir.path().join(name)).unwrap();
    (make("public"), make("relay"))
}

#[test]
fn certificate_that_a_public_authority_issued_by_mistake_does_not_beat_the_pin() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let known = Known { pin: Some(relay.pin()), ..Known::default() };
    assert_eq!(judge(&public, &relay, None, known), Ok(Trust::Pinned(relay.pin())));
    assert_eq!(judge(&public, &public, None, known), Err(Refusal::Pin));
}

#[test]
fn without_a_pin_the_public_authorities_decide_before_file_and_memory() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let file = || CaFile::read(&dir.path().join("relay").join(certs::CA_CERT_FILE)).unwrap();
    let known = Known { pin: None, remembered: Some(relay.pin()), ..Known::default() };
    assert_eq!(judge(&public, &public, Some(file()), known), Ok(Trust::WebPki));
    assert_eq!(judge(&public, &relay, Some(file()), known), Ok(Trust::CaFile));
    assert_eq!(judge(&public, &relay, None, known), Ok(Trust::Remembered(relay.pin())));
    assert_eq!(judge(&public, &relay, None, Known::default()), Ok(Trust::FirstUse(relay.pin())));
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
        for known in [
            Known { pin: Some(pin), remembered: None, ..Known::default() },
            Known { pin: None, remembered: Some(pin), ..Known::default() },
        ] {
            let (provider, verdict) = (provider.clone(), Arc::default());
            let verifier = RelayVerifier { provider, platform: None, ca: None, known, verdict };
            let dialled = ServerName::try_from(NAME).unwrap();
            let accepted = verifier.verify_server_cert(leaf, others, &dialled, &[], UnixTime::now()).is_ok();
            assert_eq!(accepted, is_right, "{name} {known:?}");
        }
    }
}

/// A verifier whose system trusts nobody.
fn alone(known: Known) -> RelayVerifier {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    RelayVerifier { provider, platform: None, ca: None, known, verdict: Arc::default() }
}

#[test]
fn pin_of_the_relays_authority_holds_under_a_public_certificate_that_it_vouches_for() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let names = [NAME.to_owned()];
    let leaf = public.leaf(&names).unwrap();
    let vouched = relay.vouch(leaf, &names, certs::LEAF_LIFETIME).unwrap().chain;
    let pin = relay.pin();
    let pinned = alone(Known { pin: Some(pin), remembered: None, ..Known::default() });
    assert_eq!(decide(&pinned, &vouched), Ok(Trust::Pinned(pin)));
    // First seen under a public certificate, it is remembered by its own authority, which stays.
    assert_eq!(decide(&alone(Known::default()), &vouched), Ok(Trust::FirstUse(pin)));
}

#[test]
fn voucher_for_another_key_is_refused() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let names = [NAME.to_owned()];
    let theirs = public.leaf(&names).unwrap();
    let vouched = relay.vouch(theirs, &names, certs::LEAF_LIFETIME).unwrap().chain;
    let [_, _, voucher, authority] = &vouched[..] else { panic!("a chain of four") };
    // Somebody with a certificate for the name, and everything that a true relay ever showed.
    let mut stolen = public.leaf(&names).unwrap().chain;
    stolen.extend([voucher.clone(), authority.clone()]);
    let pinned = alone(Known { pin: Some(relay.pin()), remembered: None, ..Known::default() });
    assert_eq!(decide(&pinned, &stolen), Err(Refusal::Pin));
}
