//! What can go wrong, each with its cause and its remedy.

use std::{io, path::PathBuf};

/// Why a certificate could not be made, read or written. The text is for the person who runs the relay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertsError {
    /// A file or directory could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, such as `read`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is longer than any certificate or key.
    #[error("{} is larger than {limit} bytes: it is not a certificate or key", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// Other people on this machine may read a private key.
    #[error(
        "{path} is readable by others (mode {mode:04o}), so its key may be known to them; \
         run `chmod 600 {path}`, and replace the key if somebody else could have read it",
        path = path.display()
    )]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A certificate file is not what it should be.
    #[error("{} is not a usable certificate: {reason}; {remedy}", path.display())]
    BadCertificate {
        /// The certificate file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A key file is not what it should be.
    #[error("{} is not a usable private key: {reason}; {remedy}", path.display())]
    BadKey {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it, never with any of its bytes.
        reason: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A private key belongs to another certificate.
    #[error("the key in {} does not belong to the first certificate in {}; {remedy}", key.display(), cert.display())]
    KeyMismatch {
        /// The certificate file.
        cert: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A certificate has run out.
    #[error("the certificate in {} has expired; renew it, and check this machine's clock", path.display())]
    Expired {
        /// The certificate file.
        path: PathBuf,
    },
    /// The authority's certificate is there, its key is not.
    #[error(
        "{} exists but {} does not; restore the key from a backup, or move the certificate away to begin a \
         new authority (its pin will differ: old invite links stop working)",
        cert.display(), key.display()
    )]
    KeyMissing {
        /// The certificate file.
        cert: PathBuf,
        /// The key file that should be beside it.
        key: PathBuf,
    },
    /// No name was given for a server certificate.
    #[error("a server certificate needs at least one DNS name or IP address")]
    NoName,
    /// More names than [`MAX_NAMES`](crate::MAX_NAMES) were given.
    #[error(
        "a server certificate takes at most {limit} names; drop some, or run the relay under fewer names"
    )]
    TooManyNames {
        /// The most that is accepted.
        limit: usize,
    },
    /// A name is neither a DNS name nor an IP address that a client could dial.
    #[error("`{name}` cannot be in a server certificate: {reason}")]
    BadName {
        /// The name, with control characters escaped.
        name: String,
        /// What is wrong with it, and what to write instead.
        reason: &'static str,
    },
    /// A certificate received from elsewhere cannot be read.
    #[error("the certificate is malformed")]
    Malformed,
    /// This machine's clock stands in the first hour of 1970, or so late that an authority's life would end after 9999.
    #[error("this machine's clock is out of range; set it, because certificates carry dates")]
    Clock,
    /// The cryptographic library refused to make a key or a certificate.
    #[error("cannot make a certificate: {0}")]
    Generate(#[from] rcgen::Error),
}
