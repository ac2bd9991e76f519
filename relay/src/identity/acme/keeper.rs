//! Has a certificate of a public authority, as far as there can be one.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use certs::{CertsError, ServerCertificate};
use tokio::sync::Notify;

use super::{
    Acme,
    order::order,
    schedule::{self, State},
    store::Store,
};
use crate::{clock::unix_ms, net::tls::Certificate};

/// Time between two looks at the clock: the wall clock, because timers know nothing of one that was set.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The certificate that there is, and the wish for the next one.
pub(crate) struct Keeper {
    wanted: Acme,
    store: Store,
    certificate: Mutex<Option<ServerCertificate>>,
    hurry: Notify,
}

impl Keeper {
    /// With what an earlier life of the relay kept in the authority's directory.
    pub(crate) fn open(wanted: Acme, identity: &Path) -> Result<Self, CertsError> {
        let store = Store::open(identity)?;
        let certificate = store.certificate().unwrap_or_else(|error| {
            tracing::error!(%error, "the kept certificate is of no use; another one is ordered");
            None
        });
        Ok(Self { wanted, store, certificate: Mutex::new(certificate), hurry: Notify::new() })
    }

    /// The certificate, if there is one. It is shown even if it has expired meanwhile: whoever holds the pin does
    /// not mind.
    pub(crate) fn certificate(&self) -> Option<ServerCertificate> {
        self.certificate.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A person asks for the next try, if one failed: they may have mended the cause.
    pub(crate) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Orders in time, for ever; `renewed` hears of each success. Whoever answers challenges is `shown`.
    /// `listen` is where, besides the relay's own door if that is TCP.
    pub(crate) async fn keep(&self, shown: &Arc<Certificate>, listen: &[SocketAddr], renewed: &Notify) {
        let listen = if self.wanted.listen.is_empty() { listen } else { &self.wanted.listen };
        let mut state = self.store.state().wanting(self.wish());
        loop {
            let now = unix_ms() / 1000;
            if now >= self.due(&state).max(state.allowed(now)) {
                state.begin(now);
                // Written down first: what cannot be remembered is not begun, or a crash would begin it again.
                let noted = self.store.note(&state);
                let ordered = match noted {
                    Ok(()) => order(&self.wanted, listen, &self.store, shown).await,
                    Err(error) => Err(error.into()),
                };
                let now = unix_ms() / 1000;
                match ordered {
                    Ok(certificate) => {
                        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
                        state.succeed();
                        tracing::info!("the certificate authority issued a certificate");
                        renewed.notify_one();
                    }
                    Err(error) => {
                        state.fail(&error, now, noise());
                        let wait_s = state.allowed(now).saturating_sub(now);
                        tracing::error!(%error, wait_s, "no certificate from the certificate authority yet");
                    }
                }
                if let Err(error) = self.store.note(&state) {
                    tracing::error!(%error, "cannot keep the state of the certificate");
                }
            } else {
                tracing::debug!("no certificate is to be ordered yet");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.hurry.notified() => state.hurry(unix_ms() / 1000),
            }
        }
    }

    /// When the next certificate is wanted, in seconds since 1970: now, if there is none, or one for another wish.
    fn due(&self, state: &State) -> u64 {
        if state.issued != state.wanted {
            return 0;
        }
        let certificate = self.certificate.lock().unwrap_or_else(PoisonError::into_inner);
        certificate.as_ref().map_or(0, schedule::renewal)
    }

    /// What a certificate has to fit; another wish makes another order at once.
    fn wish(&self) -> String {
        format!("{} {}", self.wanted.directory, self.wanted.domains.join(" "))
    }
}

/// A random number; the same for all when the system has none, which spreads nothing and harms nothing.
fn noise() -> u32 {
    let mut bytes = [0; 4];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u32::from_be_bytes(bytes)
}
