//! Invite links: `schat://host:port/#…`, everything secret behind the `#`, which no browser sends.
//!
//! Behind the `#` stands base64url of `S (20) ‖ pin (20, or nothing) ‖ checksum (2)`: what leads to the card, and what
//! tells the right relay. All else is in the card, so a link is short enough to be read aloud.

mod relay;

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::invite::{InviteSecret, SECRET_LEN};

pub use relay::{AnyLink, RelayUrl};

/// Bytes of the relay's pin in a link: 160 bits of SHA-256, against a second authority with the same beginning.
pub const PIN_LEN: usize = 20;

/// Bytes of the checksum.
const CHECKSUM: usize = 2;

/// Longest link that is looked at, in bytes: host names have at most 253.
const MAX_LINK: usize = 2048;

/// What a link says, without the relay's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Lets the holder in.
    pub secret: InviteSecret,
    /// The first bytes of the SHA-256 of the SubjectPublicKeyInfo of the relay's authority; none when WebPKI is to be
    /// used, and nothing else.
    pub pin: Option<[u8; PIN_LEN]>,
}

/// A link that somebody can click, print or scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteLink {
    /// Name or address of the relay; an IPv6 address without brackets.
    pub host: String,
    /// UDP port of the relay.
    pub port: u16,
    /// What leads into the room.
    pub link: Link,
}

/// Why text is not an invite link.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LinkError {
    /// Another scheme, or none.
    #[error("a link begins with schat:// or https://")]
    Scheme,
    /// No host, or a port that is no number from 1 to 65535.
    #[error("the link's relay address is not HOST or HOST:PORT")]
    Address,
    /// The part behind `#` is missing, cut or altered.
    #[error("the link is incomplete or altered")]
    Damaged,
    /// A link to a relay whose pin is cut or altered.
    #[error(
        "the relay's pin is incomplete or altered: behind #relay= come sha256: and 64 digits, copy all of them"
    )]
    Pin,
    /// A link to a relay whose token is cut or altered.
    #[error(transparent)]
    Token(#[from] proto::TokenError),
    /// A link to a relay that says something this version does not know.
    #[error(
        "the relay's link says something that this program does not know, or says it twice: copy the whole link, \
         or update the program"
    )]
    Unknown,
    /// A link of the first version.
    #[error("the link was made by an old version of Schat and leads nowhere any more: ask for a new one")]
    Old,
}

impl Link {
    /// Without the relay and its pin, for whoever uses the same one: 30 characters.
    pub fn to_code(&self) -> String {
        Self { pin: None, secret: self.secret.clone() }.to_fragment()
    }

    /// What [`Link::to_code`] wrote, or what stands behind the `#` of a link.
    ///
    /// # Errors
    /// [`LinkError::Damaged`] for a text that was cut or mistyped.
    pub fn from_code(code: &str) -> Result<Self, LinkError> {
        let plain: String = code.trim().trim_start_matches('#').split_whitespace().collect();
        if plain.len() > MAX_LINK {
            return Err(LinkError::Damaged);
        }
        Self::from_fragment(&plain)
    }

    fn to_fragment(&self) -> String {
        let pin: &[u8] = self.pin.as_ref().map_or(&[], |pin| pin);
        let body = [&self.secret.as_bytes()[..], pin].concat();
        URL_SAFE_NO_PAD.encode([&body[..], &checksum::<CHECKSUM>(&body)].concat())
    }

    fn from_fragment(fragment: &str) -> Result<Self, LinkError> {
        let bytes = URL_SAFE_NO_PAD.decode(fragment).map_err(|_| LinkError::Damaged)?;
        // Of the first version: a longer message with a checksum of four bytes.
        if let Some((body, sum)) = bytes.split_last_chunk::<4>().filter(|(body, _)| body.len() > 64)
            && checksum::<4>(body) == *sum
        {
            return Err(LinkError::Old);
        }
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(LinkError::Damaged)?;
        if checksum::<CHECKSUM>(body) != *sum {
            return Err(LinkError::Damaged);
        }
        let (secret, pin) = body.split_first_chunk::<SECRET_LEN>().ok_or(LinkError::Damaged)?;
        let pin = match pin {
            [] => None,
            pin => Some(pin.try_into().map_err(|_| LinkError::Damaged)?),
        };
        Ok(Self { secret: InviteSecret::from_bytes(*secret), pin })
    }
}

impl fmt::Display for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_address(f, &self.host, self.port)?;
        write!(f, "#{}", self.link.to_fragment())
    }
}

impl FromStr for InviteLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (host, port, fragment) = split(text)?;
        Ok(Self { host, port, link: Link::from_fragment(fragment)? })
    }
}

/// Everything before the `#`.
fn write_address(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
    match port {
        proto::DEFAULT_PORT => write!(f, "schat://{open}{host}{close}/"),
        port => write!(f, "schat://{open}{host}{close}:{port}/"),
    }
}

/// Host, port and what is behind the `#`.
fn split(text: &str) -> Result<(String, u16, &str), LinkError> {
    let text = text.trim();
    if text.len() > MAX_LINK {
        return Err(LinkError::Damaged);
    }
    let rest = ["schat://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or(LinkError::Scheme)?;
    let (address, fragment) = rest.split_once('#').ok_or(LinkError::Damaged)?;
    let address = address.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = parse_address(address).ok_or(LinkError::Address)?;
    Ok((host, port, fragment))
}

/// `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`; the port is 443 when it is not given.
pub fn parse_address(address: &str) -> Option<(String, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => match address.split_once(':') {
            Some((host, _)) => (host, address.strip_prefix(host)?),
            None => (address, ""),
        },
    };
    let port = match port {
        "" => proto::DEFAULT_PORT,
        _ => port.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    (!host.is_empty() && host.len() <= 253 && host.chars().all(plain)).then(|| (host.to_owned(), port))
}

/// A link whose fragment is `body` and its checksum, whatever `body` is.
#[cfg(feature = "fuzzing")]
pub(crate) fn with_fragment(body: &[u8]) -> String {
    let bytes = [body, &checksum::<CHECKSUM>(body)].concat();
    format!("schat://relay/#{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Tells a link that was cut or mistyped from one that is refused: not a protection.
fn checksum<const N: usize>(bytes: &[u8]) -> [u8; N] {
    use sha2::{Digest, Sha256};
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(host: &str) -> InviteLink {
        let link = Link { secret: InviteSecret::from_bytes([2; SECRET_LEN]), pin: Some([4; PIN_LEN]) };
        InviteLink { host: host.to_owned(), port: 4443, link }
    }

    #[test]
    fn links_survive_text_and_are_short() {
        for host in ["chat.example.org", "127.0.0.1", "::1", "2001:db8:85a3::8a2e:370:7334", &"x".repeat(36)]
        {
            for pin in [Some([4; PIN_LEN]), None] {
                for port in [4443, 65_535, proto::DEFAULT_PORT] {
                    let mut link = InviteLink { port, ..link(host) };
                    link.link.pin = pin;
                    let text = link.to_string();
                    assert_eq!(text.parse().as_ref(), Ok(&link));
                    assert_eq!(text.replace("schat://", "https://").parse(), Ok(link));
                    assert!(text.len() <= 110, "{} characters: {text}", text.len());
                }
            }
        }
        // The longest address there is fits without a port.
        let longest = InviteLink { port: proto::DEFAULT_PORT, ..link(&["2001"; 8].join(":")) };
        assert!(longest.to_string().len() <= 110);
    }

    #[test]
    fn cut_and_altered_links_are_refused() {
        let text = link("example.org").to_string();
        for cut in 0..text.len() {
            assert!(text[..cut].parse::<InviteLink>().is_err(), "cut at {cut}");
        }
        let start = text.find('#').unwrap() + 1;
        for i in start..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert!(altered.parse::<InviteLink>().is_err(), "altered at {i}");
        }
    }

    #[test]
    fn code_without_a_relay_is_short_and_one_that_was_cut_is_refused() {
        let link = link("example.org").link;
        let code = link.to_code();
        assert_eq!(code.len(), 30);
        let spaced = format!("{} {}", &code[..10], &code[10..]);
        for text in [code.clone(), format!("#{code}"), spaced] {
            assert_eq!(Link::from_code(&text), Ok(Link { pin: None, ..link.clone() }));
        }
        assert_eq!(Link::from_code(&link.to_fragment()), Ok(link));
        for cut in 0..code.len() {
            assert!(Link::from_code(&code[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn link_of_the_first_version_says_so() {
        // A room id and a secret, as protobuf wrote them.
        let body = [&[0x0a, 32][..], &[1; 32], &[0x12, 32], &[2; 32]].concat();
        let old = URL_SAFE_NO_PAD.encode([&body[..], &checksum::<4>(&body)].concat());
        assert_eq!(format!("schat://h:1/#{old}").parse::<InviteLink>(), Err(LinkError::Old));
        assert_eq!(format!("schat://h:1/#{}", &old[1..]).parse::<InviteLink>(), Err(LinkError::Damaged));
    }

    #[test]
    fn garbage_addresses_are_refused() {
        let fragment = link("h").link.to_fragment();
        for wrong in ["", ":1", "h:0", "h:65536", "h:x", "[::1", "a b", "h\u{1b}:1", "::1"] {
            let text = format!("schat://{wrong}/#{fragment}");
            assert_eq!(text.parse::<InviteLink>(), Err(LinkError::Address), "{wrong}");
        }
        assert_eq!(format!("ftp://h/#{fragment}").parse::<InviteLink>(), Err(LinkError::Scheme));
        assert_eq!(format!("schat://h/#{fragment}").parse::<InviteLink>().unwrap().port, proto::DEFAULT_PORT);
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", link("h")).contains("2, 2, 2"));
    }
}
