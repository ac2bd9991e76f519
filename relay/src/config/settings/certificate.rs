//! The certificate.

use std::{convert::Infallible, fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::{Args, value_parser};
use rustls::pki_types::ServerName;
use zeroize::Zeroizing;

use super::Conflict;
use crate::identity::{
    Tls,
    acme::{Acme, Eab, LETS_ENCRYPT, LETS_ENCRYPT_STAGING},
};

/// The certificate that clients see.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Certificate")]
pub struct Certificate {
    /// Get a certificate for this name, repeatable.
    ///
    /// From Let's Encrypt, which means agreeing to its terms of service. By ACME (RFC 8555) and TLS-ALPN-01: the
    /// authority connects to TCP port 443 of the name, so that has to arrive at this relay. Until it has issued one, and
    /// whenever that fails, the relay's own certificate is shown; links carry the pin of the relay's own authority
    /// either way. The first name is also the one in links, unless --host says otherwise.
    #[arg(long, env = "RELAY_DOMAIN", value_name = "NAME", value_delimiter = ',', value_parser = domain)]
    pub domain: Vec<String>,
    /// Where the certificate authority may write to you.
    #[arg(long, hide_short_help = true, env = "RELAY_ACME_EMAIL", value_name = "MAIL")]
    pub acme_email: Option<String>,
    /// The certificate authority: letsencrypt, letsencrypt-staging, or the URL of an ACME directory.
    ///
    /// The staging one has generous limits, and issues certificates that nobody trusts: for trying things.
    #[arg(
        long,
        hide_short_help = true,
        env = "RELAY_ACME_DIRECTORY",
        value_name = "URL",
        default_value = "letsencrypt"
    )]
    pub acme_directory: String,
    /// Roots (PEM) for the certificate authority's own HTTPS [default: those of the system].
    ///
    /// For a private authority, such as step-ca.
    #[arg(long, hide_short_help = true, env = "RELAY_ACME_CA", value_name = "FILE")]
    pub acme_ca: Option<PathBuf>,
    /// Name of the external account that the certificate authority asks for (RFC 8555, 7.3.4).
    #[arg(long, hide_short_help = true, env = "RELAY_ACME_EAB_KID", value_name = "ID")]
    pub acme_eab_kid: Option<String>,
    /// Key of --acme-eab-kid, base64url. A secret: only by RELAY_ACME_EAB_KEY_FILE, the environment or relay.toml.
    #[arg(
        long,
        hide_short_help = true,
        env = "RELAY_ACME_EAB_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    pub acme_eab_key: Option<Secret>,
    /// Where TCP port 443 of the name arrives, repeatable [default: the port that the relay listens on].
    ///
    /// Opened only while the certificate authority is expected.
    #[arg(
        long,
        hide_short_help = true,
        env = "RELAY_ACME_LISTEN",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    pub acme_listen: Vec<SocketAddr>,
    /// Certificate chain (PEM) instead of the relay's own.
    ///
    /// The leaf first, then what leads to the root. The relay's own authority vouches for it, so the pin in links stays
    /// the same. Both files are read again when they change.
    #[arg(long, hide_short_help = true, env = "RELAY_CERT", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Private key (PEM) of --cert.
    #[arg(long, hide_short_help = true, env = "RELAY_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Hours that a leaf of the relay's own authority lives.
    ///
    /// It is replaced at half of that, without a restart and without a change of the pin. A stolen leaf is of use
    /// for so long; a machine whose clock is wrong by more than half of it shows clients an invalid one.
    #[arg(long, hide_short_help = true, env = "RELAY_LEAF_HOURS", value_name = "HOURS", default_value_t = 720, value_parser = value_parser!(u32).range(2..=8760))]
    pub leaf_hours: u32,
}

/// A value that is not shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned().into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Certificate {
    /// How long the relay's own leaf lives.
    pub(super) fn leaf_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.leaf_hours) * 3600)
    }

    /// Where the certificate comes from.
    pub(super) fn tls(&self) -> Result<Tls, Conflict> {
        if !self.domain.is_empty() {
            return self.acme().map(Tls::Acme);
        }
        if self.acme_email.is_some() || self.acme_eab_kid.is_some() || self.acme_ca.is_some() {
            return Err(Conflict(
                "acme- settings are of use with domain only; set that as well, or drop them".into(),
            ));
        }
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Ok(Tls::Files { cert: cert.clone(), key: key.clone() }),
            (None, None) => Ok(Tls::Own),
            (Some(_), None) => Err(Conflict("cert is set but key is not; give both, or neither".into())),
            (None, Some(_)) => Err(Conflict("key is set but cert is not; give both, or neither".into())),
        }
    }

    fn acme(&self) -> Result<Acme, Conflict> {
        if self.cert.is_some() || self.key.is_some() {
            return Err(Conflict(
                "domain and cert are both set; a certificate is either ordered or brought".into(),
            ));
        }
        let directory = match &*self.acme_directory {
            "letsencrypt" => LETS_ENCRYPT,
            "letsencrypt-staging" => LETS_ENCRYPT_STAGING,
            url if url.starts_with("https://") => url,
            _ => {
                return Err(Conflict(
                    "acme-directory must be letsencrypt, letsencrypt-staging or an https:// URL".into(),
                ));
            }
        };
        let eab = match (&self.acme_eab_kid, &self.acme_eab_key) {
            (None, None) => None,
            (Some(kid), Some(key)) => {
                // Some authorities show it with padding.
                let key = BASE64_URL_SAFE_NO_PAD.decode(key.0.trim().trim_end_matches('='));
                let key = key.map_err(|_| Conflict("acme-eab-key is not base64url; copy it again".into()))?;
                Some(Eab { kid: kid.clone(), key: key.into() })
            }
            _ => {
                return Err(Conflict(
                    "acme-eab-kid and acme-eab-key go together; set both, or neither".into(),
                ));
            }
        };
        let mut domains = self.domain.clone();
        domains.dedup();
        Ok(Acme {
            domains,
            email: self.acme_email.clone(),
            directory: directory.to_owned(),
            ca: self.acme_ca.clone(),
            eab,
            listen: self.acme_listen.clone(),
        })
    }
}

/// A DNS name as certificates spell it.
fn domain(text: &str) -> Result<String, String> {
    match certs::parse_name(text).map_err(|error| error.to_string())? {
        name @ ServerName::DnsName(_) => Ok(name.to_str().into_owned()),
        _ => Err("certificate authorities certify names; give one instead of an address".to_owned()),
    }
}
