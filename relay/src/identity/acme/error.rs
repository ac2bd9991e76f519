//! Why there is no certificate: the cause and the remedy.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use certs::CertsError;
use instant_acme::{Error, Problem};

use crate::net::tls::TlsError;

/// Why an order did not bring a certificate.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// No answer, or none that makes sense.
    #[error(
        "the certificate authority cannot be used: {cause}; check that this machine reaches it by HTTPS, and \
         --acme-directory and --acme-ca"
    )]
    Unreachable {
        /// What went wrong.
        cause: String,
        /// The authority asks to be left alone for so long.
        wait: Option<Duration>,
    },
    /// A no, with the authority's own words.
    #[error("the certificate authority refuses: {detail}; {remedy}")]
    Refused {
        /// The authority's own words.
        detail: String,
        /// What to do about it.
        remedy: &'static str,
        /// The authority asks to be left alone for so long.
        wait: Option<Duration>,
    },
    /// The challenge cannot be answered here.
    #[error(
        "cannot listen on {address} for the certificate authority's challenge: {source}; stop what uses the \
         port, grant the right to it (AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose another place with \
         --acme-listen"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The authority offers other challenges only.
    #[error(
        "the certificate authority does not offer TLS-ALPN-01; choose one that does with --acme-directory, or \
         bring certificate files with --cert and --key"
    )]
    NoChallenge,
    /// TLS for the challenge.
    #[error(transparent)]
    Setup(TlsError),
    /// More challenges than are answered at a time.
    #[error("too many challenges at once; give fewer --domain")]
    TooMany,
    /// The roots for the authority's own HTTPS.
    #[error("{} (--acme-ca) holds no usable certificate: {reason}; give a PEM file with the authority's root", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What is kept cannot be kept.
    #[error(transparent)]
    Files(#[from] CertsError),
    /// What came is no certificate for the key that was made.
    #[error("the certificate authority sent something that is no certificate for this relay: {0}")]
    Unusable(CertsError),
    /// The cryptographic library refuses.
    #[error("cannot make a certificate request: {0}")]
    Request(#[from] rcgen::Error),
}

impl OrderError {
    /// What the library brought. `asked` is how long the authority last asked to be left alone.
    pub(super) fn from(error: Error, asked: Option<Duration>) -> Self {
        match error {
            Error::Api(problem) => Self::refused(&problem, asked),
            other => Self::Unreachable { cause: chain(&other), wait: asked },
        }
    }

    /// The authority's no, or its own fault.
    pub(super) fn refused(problem: &Problem, wait: Option<Duration>) -> Self {
        let kind = problem.r#type.as_deref().unwrap_or_default();
        let kind = kind.strip_prefix("urn:ietf:params:acme:error:").unwrap_or(kind);
        let mut detail = problem.detail.clone().unwrap_or_else(|| kind.to_owned());
        for sub in &problem.subproblems {
            if let Some(text) = &sub.detail {
                detail = format!("{detail}; {text}");
            }
        }
        let detail = printable(&detail);
        // Neither says anything about this order; both pass.
        if matches!(kind, "badNonce" | "serverInternal") {
            return Self::Unreachable { cause: detail, wait };
        }
        Self::Refused { detail, remedy: remedy(kind), wait }
    }

    /// The account is not known there any more.
    pub(super) fn is_unknown_account(error: &Error) -> bool {
        let Error::Api(problem) = error else { return false };
        problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:accountDoesNotExist")
    }
}

fn remedy(kind: &str) -> &'static str {
    match kind {
        "connection" | "tls" | "unauthorized" | "incorrectResponse" => {
            "it connects to TCP port 443 of the name: open it in firewall and router, forward it to the relay, and \
             have no proxy in between that ends TLS"
        }
        "dns" => "the name must resolve to this machine: set its A (and, if there is IPv6, AAAA) record",
        "caa" => "the name's CAA record allows other authorities only: add this one, or remove the record",
        "rateLimited" => "wait; nothing else helps, and each further try may prolong it",
        "rejectedIdentifier" | "malformed" | "unsupportedIdentifier" => {
            "give names that are registered and public with --domain, or use an authority that certifies private ones"
        }
        "externalAccountRequired" => {
            "this authority wants an account made on its web page: give --acme-eab-kid, and the key by \
             RELAY_ACME_EAB_KEY_FILE"
        }
        "userActionRequired" => "the authority's terms have changed: read and accept them at its web page",
        "invalidContact" | "unsupportedContact" => "give a mail address that exists with --acme-email",
        _ => "ask the authority, or choose another with --acme-directory",
    }
}

/// The whole chain of causes: the outermost alone often says no more than "client error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    printable(&text)
}

/// The most characters of a stranger's words that are printed or kept.
const MAX_WORDS: usize = 500;

pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_authority_cannot_paint_the_screen_or_fill_the_log() {
        let detail = Some(format!("\u{1b}[2J{}", "a".repeat(10_000)));
        let problem = Problem { r#type: None, detail, status: None, subproblems: Vec::new() };
        let text = OrderError::refused(&problem, None).to_string();
        assert!(!text.contains('\u{1b}') && text.len() < 1000, "{text}");
    }

    #[test]
    fn fault_of_the_authority_itself_is_not_taken_for_a_refusal() {
        for kind in ["badNonce", "serverInternal"] {
            let kind = Some(format!("urn:ietf:params:acme:error:{kind}"));
            let problem = Problem { r#type: kind, detail: None, status: None, subproblems: Vec::new() };
            assert!(matches!(OrderError::refused(&problem, None), OrderError::Unreachable { .. }));
        }
    }

    #[test]
    fn refusal_names_the_remedy_of_its_kind() {
        for (kind, word) in
            [("connection", "443"), ("dns", "record"), ("rateLimited", "wait"), ("new", "ask")]
        {
            let kind = Some(format!("urn:ietf:params:acme:error:{kind}"));
            let problem = Problem { r#type: kind, detail: None, status: None, subproblems: Vec::new() };
            let text = OrderError::refused(&problem, None).to_string();
            assert!(text.contains(word), "{text}");
        }
    }
}
