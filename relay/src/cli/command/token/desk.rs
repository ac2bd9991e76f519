//! Who answers: the running relay over its socket, or its database when nobody has it open.

use std::sync::Arc;

use crate::{
    admin::{
        client::{self, ClientError},
        tokens::{self, Added, NewToken, Revocation, RevokedLine, TokenList},
    },
    clock::unix_ms,
    config::Loaded,
    log::Backend,
    ops::owner,
    policy::token::Admission,
    relay::{self, Config},
};

/// Keeps a new token.
pub(super) async fn add(loaded: &Loaded, token: &NewToken) -> anyhow::Result<Added> {
    match client::post(&loaded.config.data_dir()?, "/v1/tokens", token).await {
        Err(ClientError::NotRunning { .. }) => {
            let (config, token) = (&loaded.config, token.clone());
            on_disk(config, |backend| async move { tokens::add(&*backend, token, unix_ms()).await }).await?;
            let links = owner::act(&config.data_dir()?, || relay::links(config))??;
            Ok(Added { links, open: config.limits.admission == Admission::Open })
        }
        answer => Ok(answer?),
    }
}

/// All tokens.
pub(super) async fn list(loaded: &Loaded) -> anyhow::Result<TokenList> {
    match client::get(&loaded.config.data_dir()?, "/v1/tokens").await {
        Err(ClientError::NotRunning { .. }) => {
            on_disk(&loaded.config, |backend| async move { tokens::list(&*backend, unix_ms()).await }).await
        }
        answer => Ok(answer?),
    }
}

/// Revokes a token.
pub(super) async fn revoke(loaded: &Loaded, revocation: Revocation) -> anyhow::Result<RevokedLine> {
    match client::post(&loaded.config.data_dir()?, "/v1/tokens/revoke", &revocation).await {
        Err(ClientError::NotRunning { .. }) => {
            on_disk(&loaded.config, |backend| async move {
                tokens::revoke(&*backend, &revocation, unix_ms()).await
            })
            .await
        }
        answer => Ok(answer?),
    }
}

/// A relay without a socket, as an embedded one, has the database locked: that is told.
async fn on_disk<T, F>(config: &Config, work: impl FnOnce(Arc<dyn Backend>) -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, crate::admin::Fault>>,
{
    let (data_dir, limits) = (config.data_dir()?, config.limits.clone());
    // What root makes here has to be the service's own.
    let open = move || owner::act(&data_dir, || relay::open_backend(&data_dir, &limits));
    let backend = tokio::task::spawn_blocking(open).await???;
    let done = work(backend.clone()).await;
    backend.close().await;
    Ok(done?)
}
