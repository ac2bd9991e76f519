//! What must survive a restart: the account, the certificate, and how the last tries went. All of it is in
//! `identity/acme/`, readable for the owner alone, written whole or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use certs::{CertsError, ServerCertificate};
use instant_acme::AccountCredentials;
use zeroize::Zeroizing;

use super::schedule::State;

/// The directory's name under the authority's.
const DIRECTORY: &str = "acme";
/// The certificate's key and chain in one file, so that they cannot be of two minds.
const CERTIFICATE: &str = "certificate.pem";
/// See [`State`].
const STATE: &str = "state.json";

pub(super) struct Store {
    directory: PathBuf,
}

impl Store {
    /// In the authority's directory.
    pub(super) fn open(identity: &Path) -> Result<Self, CertsError> {
        let directory = identity.join(DIRECTORY);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&directory).map_err(|source| CertsError::Io {
            action: "make",
            path: directory.clone(),
            source,
        })?;
        Ok(Self { directory })
    }

    /// The certificate, if there is one that has not expired.
    pub(super) fn certificate(&self) -> Result<Option<ServerCertificate>, CertsError> {
        let path = self.directory.join(CERTIFICATE);
        match certs::load_pem(&path, &path) {
            Ok(certificate) => Ok(Some(certificate)),
            Err(CertsError::Expired { .. }) => Ok(None),
            Err(CertsError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a key and the chain that belongs to it, both PEM, and reads them back.
    pub(super) fn keep(&self, key: &str, chain: &str) -> Result<ServerCertificate, CertsError> {
        let path = self.directory.join(CERTIFICATE);
        let both = Zeroizing::new(format!("{key}\n{chain}"));
        // Checked before it takes the place of one that works.
        let trial = self.directory.join("new.pem");
        certs::write_secret(&trial, both.as_bytes())?;
        let certificate = certs::load_pem(&trial, &trial);
        let _ = fs::remove_file(&trial);
        let certificate = certificate?;
        certs::write_secret(&path, both.as_bytes())?;
        Ok(certificate)
    }

    /// How the last tries went; nothing when that cannot be read.
    pub(super) fn state(&self) -> State {
        let read = certs::read_secret(&self.directory.join(STATE)).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Writes down how the tries go. Must succeed before the authority is asked.
    pub(super) fn note(&self, state: &State) -> Result<(), CertsError> {
        let json = serde_json::to_vec_pretty(state).unwrap_or_default();
        certs::write_secret(&self.directory.join(STATE), &json)
    }

    /// The account at this authority.
    pub(super) fn account(&self, authority: &str) -> Option<AccountCredentials> {
        let bytes = certs::read_secret(&self.account_file(authority)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Keeps it.
    pub(super) fn keep_account(
        &self,
        authority: &str,
        account: &AccountCredentials,
    ) -> Result<(), CertsError> {
        let json = Zeroizing::new(serde_json::to_vec(account).unwrap_or_default());
        certs::write_secret(&self.account_file(authority), &json)
    }

    /// One per authority: whoever tries the staging one keeps the account at the real one.
    fn account_file(&self, authority: &str) -> PathBuf {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, authority.as_bytes());
        let name: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(format!("account-{name}.json"))
    }
}

impl State {
    /// Of the relay on this data directory; `None` when it never ordered.
    pub(crate) fn read(data_dir: &Path) -> Option<Self> {
        let file = data_dir.join(crate::identity::DIRECTORY).join(DIRECTORY).join(STATE);
        serde_json::from_slice(&certs::read_secret(&file).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_of_another_key_does_not_replace_a_certificate_that_works() {
        let dir = tempfile::TempDir::new().unwrap();
        let authority = certs::Authority::load_or_create(dir.path()).unwrap();
        let store = Store::open(dir.path()).unwrap();
        let pem = |name: &str| {
            let place = dir.path().join(name);
            fs::create_dir_all(&place).unwrap();
            authority.leaf(&["localhost".to_owned()]).unwrap().save(&place).unwrap();
            let read = |file| fs::read_to_string(place.join(file)).unwrap();
            (read(certs::SERVER_KEY_FILE), read(certs::SERVER_CERT_FILE))
        };
        let ((key, chain), (_, other)) = (pem("a"), pem("b"));
        assert!(store.certificate().unwrap().is_none());
        let kept = store.keep(&key, &chain).unwrap();
        assert!(store.keep(&key, &other).is_err());
        assert_eq!(store.certificate().unwrap().unwrap().chain, kept.chain);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_that_is_kept_can_be_read_by_others() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::TempDir::new().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.note(&State::default()).unwrap();
        let acme = dir.path().join(DIRECTORY);
        assert_eq!(fs::metadata(&acme).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(acme.join(STATE)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
