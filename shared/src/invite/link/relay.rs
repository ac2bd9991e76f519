//! Links to a relay, before any room exists: `schat://host:port/#relay=sha256:<64 digits>`, and behind that
//! `&token=<43 characters>` when the relay lets only those open rooms who have a token. The token is secret, nothing
//! else is.
//!
//! What stands behind a further `&` is an error and not ignored: a link that says more than this program knows may
//! mean something that matters, and a mistyped `&token=` must not become a link without one.

use std::{fmt, str::FromStr};

use proto::Token;

use super::{InviteLink, LinkError, split, write_address};

/// What the part behind `#` begins with. No invite's does: `=` is no character of theirs.
const MARK: &str = "relay=";

/// What a token begins with.
const TOKEN: &str = "token=";

/// The pin's hash, as `certs` writes it.
const HASH: &str = "sha256:";

/// A relay and its pin, as the relay prints them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayUrl {
    /// Name or address of the relay; an IPv6 address without brackets.
    pub host: String,
    /// UDP port of the relay.
    pub port: u16,
    /// SHA-256 of the SubjectPublicKeyInfo of the relay's CA.
    pub pin: [u8; 32],
    /// The right to open rooms there.
    pub token: Option<Token>,
}

/// Either kind of link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyLink {
    /// Leads into a room. Boxed: far larger than the other.
    Invite(Box<InviteLink>),
    /// Names a relay.
    Relay(RelayUrl),
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_address(f, &self.host, self.port)?;
        write!(f, "#{MARK}{HASH}")?;
        self.pin.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        match &self.token {
            Some(token) => write!(f, "&{TOKEN}{}", *token.to_text()),
            None => Ok(()),
        }
    }
}

impl FromStr for RelayUrl {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (host, port, fragment) = split(text)?;
        let mut parts = fragment.split('&');
        let digits = parts.next().and_then(|part| part.strip_prefix(MARK)?.strip_prefix(HASH));
        let pin = digits.and_then(from_hex).ok_or(LinkError::Pin)?;
        let token = match parts.next() {
            Some(part) => Some(part.strip_prefix(TOKEN).ok_or(LinkError::Unknown)?.parse()?),
            None => None,
        };
        if parts.next().is_some() {
            return Err(LinkError::Unknown);
        }
        Ok(Self { host, port, pin, token })
    }
}

impl FromStr for AnyLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let is_relay = text.split_once('#').is_some_and(|(_, fragment)| fragment.starts_with(MARK));
        if is_relay { text.parse().map(Self::Relay) } else { text.parse().map(Box::new).map(Self::Invite) }
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.chars().map(digit).collect::<Option<_>>()?;
    match digits.as_chunks::<2>() {
        (pairs, []) => pairs.iter().map(|[high, low]| high << 4 | low).collect::<Vec<_>>().try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(host: &str) -> RelayUrl {
        RelayUrl { host: host.to_owned(), port: 4443, pin: [0xab; 32], token: None }
    }

    fn with_token(host: &str) -> RelayUrl {
        RelayUrl { token: Some(Token::new([0xfe; 32])), ..link(host) }
    }

    #[test]
    fn relay_links_survive_text() {
        for host in ["chat.example.org", "127.0.0.1", "::1"] {
            let text = with_token(host).to_string();
            assert_eq!(text.parse(), Ok(AnyLink::Relay(with_token(host))));
            let text = link(host).to_string();
            assert_eq!(text.parse(), Ok(AnyLink::Relay(link(host))));
            assert_eq!(format!(" {}\n", text.to_uppercase()).parse::<RelayUrl>(), Err(LinkError::Scheme));
        }
        let printed = format!("schat://relay.example:4443/#relay=sha256:{}", "ab".repeat(32));
        assert_eq!(printed.parse(), Ok(link("relay.example")));
        assert_eq!(link("relay.example").to_string(), printed);
    }

    #[test]
    fn cut_and_altered_relay_links_are_refused() {
        let text = link("relay.example").to_string();
        for cut in 0..text.len() {
            assert!(text[..cut].parse::<AnyLink>().is_err(), "cut at {cut}");
        }
        for wrong in ["", "sha256:", "sha1:00", "sha256:zz", "\u{1b}[2J", "sha256:é"] {
            let text = format!("schat://h:1/#relay={wrong}");
            assert_eq!(text.parse::<AnyLink>(), Err(LinkError::Pin), "{wrong}");
        }
        assert_eq!(format!("{text}0").parse::<AnyLink>(), Err(LinkError::Pin));
        assert_eq!(text.replace("schat", "ftp").parse::<AnyLink>(), Err(LinkError::Scheme));
        assert_eq!(text.replace(":4443", ":0").parse::<AnyLink>(), Err(LinkError::Address));
    }

    #[test]
    fn cut_and_altered_tokens_are_refused() {
        let (bare, text) = (link("relay.example").to_string(), with_token("relay.example").to_string());
        assert_eq!(text, format!("{bare}&token={}", *Token::new([0xfe; 32]).to_text()));
        for cut in 0..text.len() {
            // What is cut exactly before the token is a whole link without one.
            assert_eq!(text[..cut].parse::<AnyLink>().is_ok(), cut == bare.len(), "cut at {cut}");
        }
        for (wrong, error) in [
            ("&token=", LinkError::Token(proto::TokenError)),
            ("&token=abc", LinkError::Token(proto::TokenError)),
            ("&token=\u{1b}[2J", LinkError::Token(proto::TokenError)),
            ("&", LinkError::Unknown),
            ("&tokens=", LinkError::Unknown),
            ("&colour=blue", LinkError::Unknown),
        ] {
            assert_eq!(format!("{bare}{wrong}").parse::<AnyLink>(), Err(error), "{wrong}");
        }
        let token = text.strip_prefix(&bare).unwrap();
        for more in [token, "&colour=blue", "&"] {
            assert_eq!(format!("{text}{more}").parse::<AnyLink>(), Err(LinkError::Unknown), "{more}");
        }
        assert_eq!(format!("{text}=").parse::<AnyLink>(), Err(LinkError::Token(proto::TokenError)));
    }

    #[test]
    fn debug_shows_no_token() {
        let text = format!("{:?}", AnyLink::Relay(with_token("h")));
        assert!(text.contains("token: Some(Token)") && !text.contains("254"), "{text}");
    }

    #[test]
    fn relay_link_is_never_taken_for_an_invite() {
        assert_eq!(link("relay.example").to_string().parse::<InviteLink>(), Err(LinkError::Damaged));
    }
}
