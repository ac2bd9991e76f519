//! What a relay is started with.

use std::{
    net::{Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use proto::DEFAULT_PORT;

use crate::{
    clock::{SystemTimeSource, TimeSource},
    home,
    identity::Tls,
    net::{listen::Fallback, networks::Networks, web::Web},
    policy::limits::Limits,
    relay::error::StartError,
};

/// What a relay is started with. `Config::new(data_dir)` and `Config::default()` are complete.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; `0.0.0.0` and `[::]` both mean IPv4 and IPv6. Port 0 takes any free one.
    pub listen: Vec<SocketAddr>,
    /// Where the log and the identity are kept; `None` for the user's data directory.
    pub data_dir: Option<PathBuf>,
    /// The certificate.
    pub tls: Tls,
    /// The name or address to put in links; `None` to guess.
    pub host: Option<String>,
    /// The way for clients that UDP does not reach: TCP at the same port.
    pub fallback: Fallback,
    /// What browsers get, over TCP.
    pub web: Web,
    /// Whose word is taken for who a client is.
    #[cfg(feature = "program")]
    pub proxies: Networks,
    /// How long a leaf of the relay's own authority lives; it is replaced at half of it.
    pub leaf_life: Duration,
    /// What is allowed.
    pub limits: Limits,
    /// Offer the operator's socket in the data directory. The program does; who embeds a relay has other means.
    #[cfg(feature = "program")]
    pub admin: bool,
    /// An address for health and numbers; `None` for none.
    #[cfg(feature = "program")]
    pub admin_listen: Option<SocketAddr>,
    /// Who may ask there from another machine.
    #[cfg(feature = "program")]
    pub admin_from: Networks,
    /// Write clients' addresses into the security log.
    pub log_addresses: bool,
    /// Where its own clock reads the time; certificates go by the system's.
    pub time: Arc<dyn TimeSource>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![(Ipv6Addr::UNSPECIFIED, DEFAULT_PORT).into()],
            data_dir: None,
            tls: Tls::default(),
            host: None,
            fallback: Fallback::Off,
            web: Web::Off,
            #[cfg(feature = "program")]
            proxies: Networks::default(),
            leaf_life: certs::LEAF_LIFETIME,
            limits: Limits::default(),
            #[cfg(feature = "program")]
            admin: false,
            #[cfg(feature = "program")]
            admin_listen: None,
            #[cfg(feature = "program")]
            admin_from: Networks::default(),
            log_addresses: false,
            time: Arc::new(SystemTimeSource),
        }
    }
}

impl Config {
    /// Listens on one address and keeps its data in `data_dir`.
    pub fn new(listen: SocketAddr, data_dir: impl Into<PathBuf>) -> Self {
        Self { listen: vec![listen], data_dir: Some(data_dir.into()), ..Self::default() }
    }

    /// Where the data is: as told, else the user's data directory.
    ///
    /// # Errors
    /// [`StartError::NoDataDir`] if there is none.
    pub fn data_dir(&self) -> Result<PathBuf, StartError> {
        self.data_dir.clone().or_else(|| home::data_dir("schat-relay")).ok_or(StartError::NoDataDir)
    }

    /// Whose word is taken for who a client is; nobody's where a relay stands in no network of its own.
    pub(crate) fn proxies(&self) -> Networks {
        #[cfg(feature = "program")]
        let proxies = self.proxies.clone();
        #[cfg(not(feature = "program"))]
        let proxies = Networks::default();
        proxies
    }
}

/// Health and numbers are shown to this machine, and to others that are named.
///
/// # Errors
/// [`StartError::AdminNotLocal`] for an address that others reach while none is named.
#[cfg(feature = "program")]
pub(crate) fn check_admin(address: SocketAddr, from: &Networks) -> Result<(), StartError> {
    match address.ip().to_canonical().is_loopback() || !from.is_empty() {
        true => Ok(()),
        false => Err(StartError::AdminNotLocal { address }),
    }
}
