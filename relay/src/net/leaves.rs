//! What browsers are shown over QUIC: a leaf of the relay's own authority, by its hash, and the authority's word for it.

use std::{
    fmt::Write as _,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use certs::{Announcement, leaf_hash};
use rustls::sign::CertifiedKey;

/// The protocol of browsers (RFC 9114, 3.1).
pub(crate) const H3_ALPN: &[u8] = b"h3";

/// Where pages find the announcement.
pub(crate) const ANNOUNCED_AT: &str = "/.well-known/schat";

/// The leaf that is shown now, if browsers are served.
#[derive(Debug, Default)]
pub(crate) struct Leaves(RwLock<Option<Shown>>);

#[derive(Debug)]
struct Shown {
    key: Arc<CertifiedKey>,
    announced: Bytes,
}

impl Leaves {
    /// Shows another one from now on.
    pub(crate) fn replace(&self, key: Arc<CertifiedKey>, said: &Announcement) {
        let shown = Shown { key, announced: text(said).into() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(shown);
    }

    /// What is shown.
    pub(crate) fn key(&self) -> Option<Arc<CertifiedKey>> {
        self.look(|shown| shown.key.clone())
    }

    /// By what a browser knows it.
    pub(crate) fn hash(&self) -> Option<[u8; 32]> {
        self.key()?.cert.first().map(leaf_hash)
    }

    /// What the authority says of it.
    pub(crate) fn announced(&self) -> Option<Bytes> {
        self.look(|shown| shown.announced.clone())
    }

    fn look<T>(&self, part: impl Fn(&Shown) -> T) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(part)
    }
}

/// JSON; nothing in it needs quoting.
fn text(said: &Announcement) -> String {
    let base64 = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let mut leaves = String::new();
    for leaf in &said.leaves {
        let comma = if leaves.is_empty() { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(
            leaves,
            "{comma}{{\"sha256\":\"{}\",\"not_before\":{},\"not_after\":{}}}",
            base64(&leaf.sha256),
            leaf.not_before,
            leaf.not_after
        );
    }
    format!(
        "{{\"version\":2,\"authority\":\"{}\",\"issued\":{},\"leaves\":[{leaves}],\"signature\":\"{}\"}}\n",
        base64(&said.authority),
        said.issued,
        base64(&said.signature)
    )
}

#[cfg(test)]
mod tests {
    use certs::BrowserLeaf;

    use super::*;

    #[test]
    fn announcement_is_json_as_the_protocol_has_it() {
        let leaf = |byte| BrowserLeaf { sha256: [byte; 32], not_before: 1, not_after: u64::MAX };
        let said = Announcement {
            issued: 1_700_000_000,
            leaves: vec![leaf(1), leaf(255)],
            authority: vec![0; 91],
            signature: vec![0; 64],
        };
        let json: serde_json::Value = serde_json::from_str(&text(&said)).unwrap();
        assert_eq!((json["version"].as_u64(), json["issued"].as_u64()), (Some(2), Some(1_700_000_000)));
        assert_eq!(json["leaves"][1]["not_after"].as_u64(), Some(u64::MAX));
        assert_eq!(json["leaves"][1]["sha256"].as_str().unwrap().len(), 43);
        assert_eq!(json["leaves"].as_array().unwrap().len(), 2);
        assert!(text(&said).len() < 4096);
    }
}
