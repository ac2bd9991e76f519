//! Who the relay is: its own small authority, which clients pin, and the certificate that it shows, which may be
//! the authority's own, one that the operator brings, or one of a public authority.

#[cfg(feature = "program")]
pub mod acme;
mod files;
mod life;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use certs::{Authority, CertsError, Pin, ServerCertificate};
use tokio::sync::Notify;

#[cfg(feature = "program")]
use self::acme::{Acme, Keeper};
use self::{files::Files, life::Life};
use crate::{
    clock::unix_ms,
    net::tls::{Certificate, TlsError},
};

/// Where the relay's authority lives in the data directory.
pub(crate) const DIRECTORY: &str = "identity";

/// Time between two looks at the clock and at files: two calls of `stat`, and whoever renews a certificate by
/// hand sees it taken while they watch. The wall clock is asked each time, because timers know nothing of a
/// clock that was set or a machine that slept.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where the certificate comes from.
#[derive(Clone, Debug, Default)]
pub enum Tls {
    /// A private authority in the data directory, made on the first start. Clients pin it.
    #[default]
    Own,
    /// PEM files, for a name that the Web PKI knows.
    Files {
        /// The chain, leaf first.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// A public authority, by ACME. While it has not issued one yet, the relay's own leaf is shown.
    #[cfg(feature = "program")]
    Acme(Acme),
}

impl Tls {
    /// The names that a certificate is ordered for.
    pub(crate) fn domains(&self) -> &[String] {
        match self {
            #[cfg(feature = "program")]
            Self::Acme(acme) => &acme.domains,
            Self::Own | Self::Files { .. } => &[],
        }
    }

    /// Whether it is ordered from a public authority.
    #[cfg(feature = "program")]
    pub(crate) fn is_ordered(&self) -> bool {
        matches!(self, Self::Acme(_))
    }

    /// Whether what the operator brings can be used: asked before a first start leaves anything behind.
    ///
    /// # Errors
    /// [`IdentityError`] with the file that makes no sense.
    pub(crate) fn check(&self) -> Result<(), IdentityError> {
        if let Self::Files { cert, key } = self {
            Certificate::new(Files::open(cert, key)?.certificate())?;
        }
        Ok(())
    }
}

/// Why the relay has no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Files of the certificate or the authority.
    #[error(transparent)]
    Certs(#[from] CertsError),
    /// A certificate that TLS cannot use.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A thread died while it read files.
    #[error("the certificate could not be read; start the relay again if this repeats")]
    Interrupted,
}

/// The certificate in use, its pin, and how to get the next one.
pub(crate) struct Identity {
    pub certificate: Arc<Certificate>,
    /// The pin of the relay's own authority: the same wherever the certificate comes from.
    pub pin: Pin,
    authority: Authority,
    /// What the relay's own leaf is valid for.
    names: Vec<String>,
    leaf_life: Duration,
    source: Source,
    shown: Mutex<Life>,
    /// A public authority issued another one.
    renewed: Notify,
}

enum Source {
    Own,
    Files(Files),
    #[cfg(feature = "program")]
    Acme(Keeper),
}

/// Whether a relay's authority, or half of it, is in a data directory.
pub(crate) fn is_there(data_dir: &Path) -> std::io::Result<bool> {
    let directory = data_dir.join(DIRECTORY);
    Ok(directory.join(certs::CA_KEY_FILE).try_exists()?
        || directory.join(certs::CA_CERT_FILE).try_exists()?)
}

/// What clients pin, without a certificate: for commands while no relay runs.
pub(crate) fn pin(data_dir: &Path) -> Result<Pin, IdentityError> {
    Ok(Authority::load_or_create(&data_dir.join(DIRECTORY))?.pin())
}

impl Identity {
    /// Loads or makes the identity. `names` are what the relay's own leaf is valid for, `leaf_life` is how long.
    pub(crate) fn load(
        tls: &Tls,
        data_dir: &Path,
        names: Vec<String>,
        leaf_life: Duration,
    ) -> Result<Self, IdentityError> {
        let authority = Authority::load_or_create(&data_dir.join(DIRECTORY))?;
        let source = match tls {
            Tls::Own => Source::Own,
            Tls::Files { cert, key } => Source::Files(Files::open(cert, key)?),
            #[cfg(feature = "program")]
            Tls::Acme(wanted) => Source::Acme(Keeper::open(wanted.clone(), &data_dir.join(DIRECTORY))?),
        };
        let first = source.issue(&authority, &names, leaf_life)?;
        let shown = Mutex::new(Life::new(unix_ms() / 1000, leaf_life));
        let certificate = Arc::new(Certificate::new(first)?);
        Ok(Self {
            certificate,
            pin: authority.pin(),
            authority,
            names,
            leaf_life,
            source,
            shown,
            renewed: Notify::new(),
        })
    }

    /// Replaces the certificate in time and when its files change, for ever. `challenges` are the addresses on which
    /// a certificate authority finds nobody yet; they are opened for TCP while one is expected.
    pub(crate) async fn keep_fresh(self: Arc<Self>, challenges: Vec<SocketAddr>) {
        tokio::join!(self.keep_ordered(&challenges), self.clone().keep_looking());
    }

    async fn keep_ordered(&self, challenges: &[SocketAddr]) {
        #[cfg(feature = "program")]
        if let Source::Acme(keeper) = &self.source {
            keeper.keep(&self.certificate, challenges, &self.renewed).await;
        }
        // All others keep themselves fresh.
        #[cfg(not(feature = "program"))]
        let _ = challenges;
    }

    async fn keep_looking(self: Arc<Self>) {
        let mut told = None;
        loop {
            // Short-lived leaves are looked at more often.
            let anyway = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY.min(self.leaf_life / 4)) => false,
                () = self.renewed.notified() => true,
            };
            match self.clone().look(anyway).await {
                Ok(true) => {
                    tracing::info!(target: "security", event = "certificate", "a new certificate is in use");
                }
                Ok(false) => continue,
                Err(error) => {
                    // Once: it is tried again every few seconds.
                    let error = error.to_string();
                    if told.as_ref() != Some(&error) {
                        tracing::error!(
                            target: "security", event = "certificate", %error,
                            "no new certificate; the old one stays, and is tried again"
                        );
                    }
                    told = Some(error);
                    continue;
                }
            }
            told = None;
        }
    }

    /// Reads the certificate again, whether or not it looks changed: for a signal or a command. The relay's own
    /// leaf is made anew, and an order that failed is tried again.
    ///
    /// # Errors
    /// [`IdentityError`]; then the one before stays.
    pub(crate) async fn reload(self: Arc<Self>) -> Result<(), IdentityError> {
        #[cfg(feature = "program")]
        if let Source::Acme(keeper) = &self.source {
            keeper.hurry();
        }
        self.look(true).await.map(drop)
    }

    /// Shows the next certificate if it is time, if there is another one, or `anyway`; whether it did.
    async fn look(self: Arc<Self>, anyway: bool) -> Result<bool, IdentityError> {
        tokio::task::spawn_blocking(move || {
            let is_due = self.shown.lock().unwrap_or_else(PoisonError::into_inner).is_due(unix_ms() / 1000);
            let looked = self.source.look(anyway);
            // Files that make no sense must not keep the voucher for the last good ones from being renewed.
            if is_due || anyway || matches!(looked, Ok(true)) {
                let next = self.source.issue(&self.authority, &self.names, self.leaf_life)?;
                let life = Life::new(unix_ms() / 1000, self.leaf_life);
                self.certificate.replace(next)?;
                *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = life;
                looked?;
                return Ok(true);
            }
            Ok(looked?)
        })
        .await
        .unwrap_or(Err(IdentityError::Interrupted))
    }
}

impl Source {
    fn issue(
        &self,
        authority: &Authority,
        names: &[String],
        life: Duration,
    ) -> Result<ServerCertificate, CertsError> {
        match self {
            Self::Own => authority.leaf_for(names, life),
            Self::Files(files) => authority.vouch(files.certificate(), names, life),
            #[cfg(feature = "program")]
            Self::Acme(keeper) => match keeper.certificate() {
                Some(certificate) => authority.vouch(certificate, names, life),
                None => authority.leaf_for(names, life),
            },
        }
    }

    fn look(&self, anyway: bool) -> Result<bool, CertsError> {
        match self {
            Self::Own => Ok(false),
            #[cfg(feature = "program")]
            Self::Acme(_) => Ok(false),
            Self::Files(files) => files.look(anyway),
        }
    }
}
