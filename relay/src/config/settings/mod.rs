//! Every setting, one struct per topic. A setting has a flag, a variable `RELAY_…` and a key in relay.toml of
//! the same name; `config` finds them by that variable.

mod access;
mod certificate;
mod connections;
mod files;
mod listen;
mod operations;
mod storage;
mod traffic;
mod web;

use clap::Args;

pub use self::{
    access::Access, certificate::Certificate, connections::Connections, files::Files, listen::Listen,
    operations::Operations, storage::Storage, traffic::Traffic, web::Browsers,
};
use crate::{net::networks::Networks, policy::limits::Limits, relay::Config};

/// Every setting.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// Where it listens, and who it is to its clients.
    #[command(flatten)]
    pub listen: Listen,
    /// What it is to browsers.
    #[command(flatten)]
    pub web: Browsers,
    /// Its certificate.
    #[command(flatten)]
    pub certificate: Certificate,
    /// What it keeps.
    #[command(flatten)]
    pub storage: Storage,
    /// What it keeps of files.
    #[command(flatten)]
    pub files: Files,
    /// Who may come in, and what a connection may hold.
    #[command(flatten)]
    pub connections: Connections,
    /// What clients may do.
    #[command(flatten)]
    pub traffic: Traffic,
    /// Who may use it.
    #[command(flatten)]
    pub access: Access,
    /// How it is watched.
    #[command(flatten)]
    pub operations: Operations,
}

/// Settings that do not fit together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Conflict(pub String);

impl Settings {
    /// What they ask for.
    ///
    /// # Errors
    /// [`Conflict`] when two of them do not fit together.
    pub fn config(&self) -> Result<Config, Conflict> {
        let from = Networks::new(&self.operations.admin_from);
        if self.operations.admin_listen.is_none() && !from.is_empty() {
            return Err(Conflict("--admin-from names who may ask; say where with --admin-listen".to_owned()));
        }
        if let Some(address) = self.operations.admin_listen {
            crate::relay::config::check_admin(address, &from).map_err(|error| Conflict(error.to_string()))?;
        }
        let mut limits = Limits::default();
        self.storage.apply(&mut limits);
        self.files.apply(&mut limits);
        self.connections.apply(&mut limits);
        self.traffic.apply(&mut limits);
        self.access.apply(&mut limits);
        Ok(Config {
            listen: self.listen.listen.clone(),
            data_dir: self.listen.data_dir.clone(),
            tls: self.certificate.tls()?,
            fallback: self.listen.fallback(),
            web: self.web.web()?,
            host: self.listen.host.clone().or_else(|| self.certificate.domain.first().cloned()),
            proxies: Networks::new(&self.listen.proxy),
            leaf_life: self.certificate.leaf_life(),
            limits,
            admin: true,
            admin_listen: self.operations.admin_listen,
            admin_from: from,
            log_addresses: self.operations.log_addresses,
            ..Config::default()
        })
    }
}
