//! Pages in browsers: from where they may connect, and the one page that the relay serves itself.
//!
//! ```text
//! GET /schat ─▶ origin ─▶ a WebSocket
//! GET …      ─▶ answer ─▶ site (files in memory)
//! ```

pub(crate) mod answer;
pub(crate) mod embedded;
pub mod origin;
pub mod site;
mod traffic;
#[cfg(feature = "program")]
pub(crate) mod transport;

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(feature = "program")]
use bytes::Bytes;

use serde::{Deserialize, Serialize};

use self::{
    origin::Origin,
    site::{Site, SiteError},
    traffic::Traffic,
};
use crate::net::tls::Certificate;

/// What a relay is to browsers.
#[derive(Clone, Debug, Default)]
pub enum Web {
    /// Nothing.
    #[default]
    Off,
    /// The page is served, if there is one, and pages may connect.
    On {
        /// Where the page's files are; `None` for those that the program was built with.
        directory: Option<PathBuf>,
        /// Whose pages may connect, beside the relay's own.
        origins: Vec<Origin>,
    },
}

/// What browsers get of a relay, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Served {
    /// Nothing.
    Off,
    /// Pages may connect; there is none of its own.
    NoPage,
    /// The page.
    Page,
}

/// What is served to browsers, and on what conditions.
pub(crate) struct Pages {
    /// `None` where the program was built without a page.
    pub(crate) site: Option<Site>,
    origins: Vec<Origin>,
    certificate: Arc<Certificate>,
    traffic: Traffic,
}

impl Web {
    /// Whether there is anything for them.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    /// The same in a word, with these files.
    pub(crate) fn served(&self, site: Option<&Site>) -> Served {
        match (self, site) {
            (Self::Off, _) => Served::Off,
            (Self::On { .. }, None) => Served::NoPage,
            (Self::On { .. }, Some(_)) => Served::Page,
        }
    }

    /// The files, read: before a first start leaves anything behind.
    ///
    /// # Errors
    /// [`SiteError`] for a directory that holds no page.
    pub(crate) fn site(&self) -> Result<Option<Site>, SiteError> {
        match self {
            Self::Off => Ok(None),
            Self::On { directory: Some(directory), .. } => Site::read(directory).map(Some),
            Self::On { directory: None, .. } => Ok(embedded::site()),
        }
    }

    /// What is served of it; nothing, if it is off.
    pub(crate) fn pages(self, site: Option<Site>, certificate: Arc<Certificate>) -> Option<Arc<Pages>> {
        let Self::On { origins, .. } = self else { return None };
        let traffic = Traffic::new();
        Some(Arc::new(Pages { site, origins, certificate, traffic }))
    }
}

impl Pages {
    /// Whether a page of this origin may connect to the relay by this authority.
    pub(crate) fn judge(&self, origin: &str, authority: &str) -> Result<(), origin::Foreign> {
        origin::judge(origin, authority, &self.origins, |name| self.certificate.is_for(name))
    }

    /// What the relay's authority says of its leaves for browsers.
    #[cfg(feature = "program")]
    pub(crate) fn announced(&self) -> Option<Bytes> {
        self.certificate.browsers().announced()
    }

    /// By what browsers know the leaf that they are shown over QUIC.
    #[cfg(feature = "program")]
    pub(crate) fn leaf(&self) -> Option<[u8; 32]> {
        self.certificate.browsers().hash()
    }

    /// Takes so many bytes from what one address may fetch; over it, says when to come again.
    pub(crate) fn charge(&self, payer: IpAddr, bytes: usize) -> Result<(), Duration> {
        self.traffic.charge(payer, bytes, Instant::now())
    }
}
