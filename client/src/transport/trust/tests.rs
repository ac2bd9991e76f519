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
    let chain = issuer.leaf(&names).unwrap().chain;
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
    let known = Known { pin: Some(relay.pin()), remembered: None };
    assert_eq!(judge(&public, &relay, None, known), Ok(Trust::Pinned(relay.pin())));
    assert_eq!(judge(&public, &public, None, known), Err(Refusal::Pin));
}

#[test]
fn without_a_pin_the_public_authorities_decide_before_file_and_memory() {
    let dir = TempDir::new().unwrap();
    let (public, relay) = authorities(&dir);
    let file = || CaFile::read(&dir.path().join("relay").join(certs::CA_CERT_FILE)).unwrap();
    let known = Known { pin: None, remembered: Some(relay.pin()) };
    assert_eq!(judge(&public, &public, Some(file()), known), Ok(Trust::WebPki));
    assert_eq!(judge(&public, &relay, Some(file()), known), Ok(Trust::CaFile));
    assert_eq!(judge(&public, &relay, None, known), Ok(Trust::Remembered(relay.pin())));
    assert_eq!(judge(&public, &relay, None, Known::default()), Ok(Trust::FirstUse(relay.pin())));
}
