//! One order, from the account to the certificate (RFC 8555, 7.1).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use certs::ServerCertificate;
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, ExternalAccountKey, Identifier, NewAccount, NewOrder,
    Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use zeroize::Zeroizing;

use super::{Acme, error::OrderError, http::Http, listener::Listener, store::Store};
use crate::net::tls::{Certificate, Challenges};

/// How the authority is asked whether it is done: after a second, then after half as long again each time, for two
/// minutes. Validation takes seconds, from several places on the earth perhaps ten.
const POLLING: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_secs(1)).backoff(1.5).timeout(Duration::from_secs(120));

/// Gets a certificate and keeps it.
pub(super) async fn order(
    wanted: &Acme,
    listen: &[SocketAddr],
    store: &Store,
    shown: &Arc<Certificate>,
) -> Result<ServerCertificate, OrderError> {
    let http = Http::new(wanted.ca.as_deref())?;
    let failed = |error| OrderError::from(error, http.asked_to_wait());
    let names: Vec<_> = wanted.domains.iter().cloned().map(Identifier::Dns).collect();
    let account = account(wanted, store, &http).await?;
    let mut order = match account.new_order(&NewOrder::new(&names)).await {
        // The authority lost it, or somebody deleted it there.
        Err(error) if OrderError::is_unknown_account(&error) => {
            register(wanted, store, &http).await?.new_order(&NewOrder::new(&names)).await
        }
        order => order,
    }
    .map_err(failed)?;

    // Closed, and the challenges forgotten, when this ends.
    let mut answers = Answers { challenges: shown.challenges(), names: Vec::new() };
    let mut door = None;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(failed)?;
        // One that is valid is left from an earlier order (RFC 8555, 7.1.3).
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        if door.is_none() {
            door = Some(Listener::open(listen, shown)?);
        }
        let mut challenge =
            authorization.challenge(ChallengeType::TlsAlpn01).ok_or(OrderError::NoChallenge)?;
        let Identifier::Dns(name) = challenge.identifier().identifier else {
            return Err(OrderError::NoChallenge);
        };
        let name = name.clone();
        // RFC 8737, 3: the SHA-256 of the key authorization.
        let proof = digest(&SHA256, challenge.key_authorization().as_str().as_bytes());
        answers.add(&name, proof.as_ref())?;
        challenge.set_ready().await.map_err(failed)?;
    }
    if door.is_some() {
        match order.poll_ready(&POLLING).await {
            Ok(OrderStatus::Ready | OrderStatus::Valid) => {}
            Ok(_) | Err(Error::Api(_)) => return Err(reason(&mut order, &http).await),
            Err(error) => return Err(failed(error)),
        }
    }

    // A new key for each certificate; the pin is that of the relay's own authority, which vouches for it.
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(wanted.domains.clone())?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key)?;
    let key = Zeroizing::new(key.serialize_pem());
    order.finalize_csr(request.der()).await.map_err(failed)?;
    let chain = order.poll_certificate(&POLLING).await.map_err(failed)?;
    store.keep(&key, &chain).map_err(OrderError::Unusable)
}

/// The account that is kept, or a new one.
async fn account(wanted: &Acme, store: &Store, http: &Http) -> Result<Account, OrderError> {
    let Some(known) = store.account(&wanted.directory) else {
        return register(wanted, store, http).await;
    };
    let opened = Account::builder_with_http(Box::new(http.clone())).from_credentials(known).await;
    opened.map_err(|error| OrderError::from(error, http.asked_to_wait()))
}

async fn register(wanted: &Acme, store: &Store, http: &Http) -> Result<Account, OrderError> {
    // Who sets --domain agrees, as its help says.
    let terms = http.terms(&wanted.directory).await;
    tracing::info!(
        terms,
        "opening an account at the certificate authority, which means agreeing to its terms of service"
    );
    let contact: Vec<_> = wanted.email.iter().map(|email| format!("mailto:{email}")).collect();
    let contact: Vec<_> = contact.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let binding = wanted.eab.as_ref().map(|eab| ExternalAccountKey::new(eab.kid.clone(), &eab.key));
    let created = Account::builder_with_http(Box::new(http.clone()))
        .create(&new, wanted.directory.clone(), binding.as_ref())
        .await;
    let (account, credentials) = created.map_err(|error| OrderError::from(error, http.asked_to_wait()))?;
    store.keep_account(&wanted.directory, &credentials)?;
    Ok(account)
}

/// Why an order came to nothing: what the authority says of the first challenge that failed.
async fn reason(order: &mut Order, http: &Http) -> OrderError {
    let wait = http.asked_to_wait();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            let mut error = OrderError::refused(problem, wait);
            if let OrderError::Refused { detail, .. } = &mut error {
                *detail = format!("{}: {detail}", state.identifier());
            }
            return error;
        }
    }
    if let Some(problem) = &order.state().error {
        return OrderError::refused(problem, wait);
    }
    let detail = "it gives no reason".to_owned();
    OrderError::Refused { detail, remedy: "ask the authority, or choose another with --acme-directory", wait }
}

/// What is shown to the authority, while this lives.
struct Answers<'a> {
    challenges: &'a Challenges,
    names: Vec<String>,
}

impl Answers<'_> {
    fn add(&mut self, name: &str, proof: &[u8]) -> Result<(), OrderError> {
        let certificate = certs::challenge(name, proof)?;
        if !self.challenges.add(name, certificate) {
            return Err(OrderError::TooMany);
        }
        self.names.push(name.to_owned());
        Ok(())
    }
}

impl Drop for Answers<'_> {
    fn drop(&mut self) {
        for name in &self.names {
            self.challenges.remove(name);
        }
    }
}
