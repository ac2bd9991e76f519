//! The relay's certificates: a small private authority, short-lived leaves, and pins.
//!
//! A relay without a name that the Web PKI knows still needs a certificate that people can trust. So it
//! keeps a private [`Authority`], whose [`Pin`] travels in every invite link, and issues itself a
//! [`ServerCertificate`] that lives for [`LEAF_LIFETIME`]. Renewing the leaf never changes the pin. A relay that
//! has a certificate from elsewhere reads it with [`load_pem`] and adds a voucher ([`Authority::vouch`]), so that the
//! pin stays the same there, too.
//!
//! Every key is ECDSA on P-256. Ed25519 would be shorter, but neither the browsers nor the CA/Browser
//! Forum's rules know it in certificates, and WebTransport is meant to use the same certificate.

mod announce;
mod authority;
mod challenge;
mod error;
mod files;
mod issue;
mod judge;
mod name;
mod pin;
mod server;
mod x509;

pub use announce::{Announcement, BROWSER_LEAF_LIFETIME, BrowserLeaf, leaf_hash};
pub use authority::{Authority, CA_CERT_FILE, CA_KEY_FILE};
pub use challenge::challenge;
pub use error::CertsError;
pub use files::{read_secret, write_secret};
pub use issue::{LEAF_LIFETIME, MAX_NAMES};
pub use judge::{is_for, is_vouched_by, not_after_unix, validity_unix};
pub use name::parse_name;
pub use pin::{ParsePinError, Pin, PinPrefix, is_self_signed, pin_of};
pub use server::{SERVER_CERT_FILE, SERVER_KEY_FILE, ServerCertificate, load_pem};
