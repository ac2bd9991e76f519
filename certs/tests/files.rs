//! What lies on disk: kept when it is right, refused with a remedy when it is wrong.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::{fs, path::Path, thread};

use certs::{
    Authority, CA_CERT_FILE, CA_KEY_FILE, CertsError, Pin, SERVER_CERT_FILE, SERVER_KEY_FILE, load_pem,
    pin_of,
};
use tempfile::{TempDir, tempdir};

/// A directory with an authority and a saved server certificate.
fn house() -> (TempDir, Pin) {
    let dir = tempdir().unwrap();
    let authority = Authority::load_or_create(dir.path()).unwrap();
    authority.leaf(&["localhost".to_owned()]).unwrap().save(dir.path()).unwrap();
    let pin = authority.pin();
    (dir, pin)
}

fn load_server(cert: &Path, key: &Path) -> Result<certs::ServerCertificate, CertsError> {
    load_pem(&cert.join(SERVER_CERT_FILE), &key.join(SERVER_KEY_FILE))
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o7777
}

#[cfg(unix)]
fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn the_pin_survives_restart_and_renewal() {
    let (dir, pin) = house();
    let again = Authority::load_or_create(dir.path()).unwrap();
    assert_eq!(again.pin(), pin);
    let first = load_server(dir.path(), dir.path()).unwrap();
    let renewed = again.leaf(&["localhost".to_owned()]).unwrap();
    assert_ne!(
        pin_of(first.chain.first().unwrap()).unwrap(),
        pin_of(renewed.chain.first().unwrap()).unwrap()
    );
    assert_eq!(first.chain.last(), renewed.chain.last());
    assert_eq!(pin_of(renewed.chain.last().unwrap()).unwrap(), pin);
}

#[test]
fn a_lost_certificate_is_made_anew_with_the_same_pin() {
    let (dir, pin) = house();
    fs::remove_file(dir.path().join(CA_CERT_FILE)).unwrap();
    assert_eq!(Authority::load_or_create(dir.path()).unwrap().pin(), pin);
    assert_eq!(Authority::load_or_create(dir.path()).unwrap().pin(), pin);
}

#[test]
fn a_lost_key_is_not_replaced_in_silence() {
    let (dir, _) = house();
    fs::remove_file(dir.path().join(CA_KEY_FILE)).unwrap();
    let error = Authority::load_or_create(dir.path()).unwrap_err();
    assert!(matches!(error, CertsError::KeyMissing { .. }));
    assert!(error.to_string().contains("backup"));
    assert!(!dir.path().join(CA_KEY_FILE).exists());
}

#[test]
fn founders_at_the_same_time_agree_on_one_authority() {
    let dir = tempdir().unwrap();
    let pins: Vec<Pin> = thread::scope(|scope| {
        let found = || Authority::load_or_create(dir.path()).unwrap().pin();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(found)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(pins.iter().all(|pin| Some(pin) == pins.first()), "{pins:?}");
}

#[test]
fn a_corrupted_authority_is_refused_with_a_remedy() {
    let (dir, pin) = house();
    let path = dir.path().join(CA_CERT_FILE);
    let good = fs::read_to_string(&path).unwrap();
    // The last line of base64 lies in the signature: it still parses, and only checking it tells.
    let last = good.lines().rev().nth(1).unwrap();
    let other = if last.starts_with('A') { "B" } else { "A" };
    let forged = good.replace(last, &format!("{other}{}", last.get(1..).unwrap()));
    let wrong = [
        Vec::new(),
        b"hello".to_vec(),
        vec![0xff; 100],
        good.as_bytes().get(..good.len() / 2).unwrap().to_vec(),
        good.replace("BEGIN CERTIFICATE", "BEGIN PUBLIC KEY")
            .replace("END CERTIFICATE", "END PUBLIC KEY")
            .into_bytes(),
        forged.into_bytes(),
    ];
    for bytes in wrong {
        fs::write(&path, &bytes).unwrap();
        let error = Authority::load_or_create(dir.path()).unwrap_err();
        assert!(matches!(error, CertsError::BadCertificate { .. }), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "a refused file is left as it is");
    }
    fs::write(&path, "hello").unwrap();
    let error = Authority::load_or_create(dir.path()).unwrap_err().to_string();
    assert!(error.contains("move it away and start again"), "{error}");
    // The remedy works.
    fs::rename(&path, dir.path().join("old.pem")).unwrap();
    assert_eq!(Authority::load_or_create(dir.path()).unwrap().pin(), pin);
}

#[test]
fn a_file_too_large_for_a_certificate_is_not_read_whole() {
    let (dir, _) = house();
    for name in [CA_CERT_FILE, CA_KEY_FILE] {
        let path = dir.path().join(name);
        let good = fs::read(&path).unwrap();
        fs::write(&path, [good.as_slice(), &vec![b' '; 256 * 1024]].concat()).unwrap();
        let error = Authority::load_or_create(dir.path()).unwrap_err();
        assert!(matches!(error, CertsError::TooLarge { .. }), "{error:?}");
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn a_corrupted_key_is_refused_without_being_shown() {
    let (dir, _) = house();
    let path = dir.path().join(CA_KEY_FILE);
    for text in [
        "",
        "c2VjcmV0",
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
        "-----BEGIN c2VjcmV0\n",
    ] {
        fs::write(&path, text).unwrap();
        let error = Authority::load_or_create(dir.path()).unwrap_err();
        assert!(matches!(error, CertsError::BadKey { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("c2VjcmV0"));
    }
}

#[test]
fn the_key_of_another_authority_is_refused() {
    let ((dir, _), (other, _)) = (house(), house());
    fs::copy(other.path().join(CA_KEY_FILE), dir.path().join(CA_KEY_FILE)).unwrap();
    assert!(matches!(Authority::load_or_create(dir.path()), Err(CertsError::KeyMismatch { .. })));
}

#[test]
fn a_leaf_in_place_of_the_authority_is_refused() {
    let (dir, _) = house();
    fs::copy(dir.path().join(SERVER_KEY_FILE), dir.path().join(CA_KEY_FILE)).unwrap();
    fs::copy(dir.path().join(SERVER_CERT_FILE), dir.path().join(CA_CERT_FILE)).unwrap();
    let error = Authority::load_or_create(dir.path()).unwrap_err();
    assert!(error.to_string().contains("not an authority's"), "{error}");
}

#[cfg(unix)]
#[test]
fn keys_are_written_for_the_owner_alone_and_nothing_is_left_over() {
    let (dir, _) = house();
    assert_eq!(mode(&dir.path().join(CA_KEY_FILE)), 0o600);
    assert_eq!(mode(&dir.path().join(SERVER_KEY_FILE)), 0o600);
    let mut files: Vec<String> =
        fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["ca.key", "ca.lock", "ca.pem", "server.key", "server.pem"]);
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused_with_a_remedy() {
    let (dir, pin) = house();
    let (ca, server) = (dir.path().join(CA_KEY_FILE), dir.path().join(SERVER_KEY_FILE));
    for wide in [0o604, 0o640, 0o644, 0o606] {
        chmod(&ca, wide);
        let error = Authority::load_or_create(dir.path()).unwrap_err();
        assert!(matches!(error, CertsError::KeyExposed { mode, .. } if mode == wide), "{error:?}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    chmod(&server, 0o644);
    assert!(matches!(load_server(dir.path(), dir.path()), Err(CertsError::KeyExposed { .. })));
    // A server's key is often shared with a group; the authority's never is.
    chmod(&server, 0o640);
    assert!(load_server(dir.path(), dir.path()).is_ok());
    chmod(&ca, 0o400);
    assert_eq!(Authority::load_or_create(dir.path()).unwrap().pin(), pin);
}

#[test]
fn a_saved_server_certificate_loads_as_it_was() {
    let dir = tempdir().unwrap();
    let made = Authority::load_or_create(dir.path()).unwrap().leaf(&["localhost".to_owned()]).unwrap();
    made.save(dir.path()).unwrap();
    let loaded = load_server(dir.path(), dir.path()).unwrap();
    assert_eq!(
        (loaded.chain, loaded.key, loaded.not_after_unix),
        (made.chain, made.key, made.not_after_unix)
    );
}

#[test]
fn a_server_key_of_another_certificate_is_refused() {
    let ((dir, _), (other, _)) = (house(), house());
    let error = load_server(dir.path(), other.path()).unwrap_err();
    assert!(matches!(error, CertsError::KeyMismatch { .. }), "{error:?}");
    assert!(error.to_string().contains("server.key"), "{error}");
}

#[test]
fn server_files_that_are_no_pem_are_refused() {
    let (dir, _) = house();
    let (cert, key) = (dir.path().join(SERVER_CERT_FILE), dir.path().join(SERVER_KEY_FILE));
    let (good_cert, good_key) = (fs::read(&cert).unwrap(), fs::read(&key).unwrap());

    let empty = b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    for bytes in [b"", &b"hello"[..], empty, &good_key, &good_cert.repeat(6)] {
        fs::write(&cert, bytes).unwrap();
        assert!(matches!(load_server(dir.path(), dir.path()), Err(CertsError::BadCertificate { .. })));
    }
    fs::write(&cert, &good_cert).unwrap();
    for bytes in [b"", &b"hello"[..], &good_cert] {
        fs::write(&key, bytes).unwrap();
        assert!(matches!(load_server(dir.path(), dir.path()), Err(CertsError::BadKey { .. })));
    }
    fs::remove_file(&key).unwrap();
    let error = load_server(dir.path(), dir.path()).unwrap_err();
    assert!(matches!(error, CertsError::Io { action: "open", .. }), "{error:?}");
}
