//! Invite links: `schat://host:port/#…`, everything secret behind the `#`, which no browser sends.

mod relay;

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use prost::Message;
use proto::RoomId;

use crate::{content, identity::Fingerprint, identity::clean_name, invite::InviteSecret};

pub use relay::{AnyLink, RelayLink};

/// Version of the link's format.
const VERSION: u32 = 1;

/// Longest link that is looked at, in bytes: a QR code of this size is still readable.
const MAX_LINK: usize = 2048;

/// What a link says about a room, without the relay's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The room at the relay.
    pub room_id: RoomId,
    /// Lets the holder in.
    pub secret: InviteSecret,
    /// Who made the link.
    pub inviter: Option<Fingerprint>,
    /// A GroupInfo of an earlier epoch is refused.
    pub least_epoch: u64,
    /// SHA-256 of the SubjectPublicKeyInfo of the relay's CA; none when WebPKI is to be used.
    pub ca_pin: Option<[u8; 32]>,
    /// What people see before they are in.
    pub room_name: String,
}

/// A link that somebody can click, print or scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteLink {
    /// Name or address of the relay; an IPv6 address without brackets.
    pub host: String,
    /// UDP port of the relay.
    pub port: u16,
    /// The room.
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
    /// A link of another version.
    #[error("the link is of version {0}, this program knows version {VERSION}: update it")]
    Version(u32),
}

impl Link {
    fn to_fragment(&self) -> String {
        let content = content::Link {
            room_id: self.room_id.as_bytes().to_vec().into(),
            secret: self.secret.as_bytes().to_vec().into(),
            inviter: self.inviter.map_or_else(Default::default, |f| f.0.to_vec().into()),
            least_epoch: self.least_epoch,
            ca_pin: self.ca_pin.map_or_else(Default::default, |pin| pin.to_vec().into()),
            room_name: self.room_name.clone(),
            version: VERSION,
        };
        let mut bytes = content.encode_to_vec();
        bytes.extend_from_slice(&checksum(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn from_fragment(fragment: &str) -> Result<Self, LinkError> {
        let bytes = URL_SAFE_NO_PAD.decode(fragment).map_err(|_| LinkError::Damaged)?;
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or(LinkError::Damaged)?;
        if checksum(body) != *sum {
            return Err(LinkError::Damaged);
        }
        let content = content::Link::decode(body).map_err(|_| LinkError::Damaged)?;
        if content.version != VERSION {
            return Err(LinkError::Version(content.version));
        }
        let optional = |bytes: &[u8]| match bytes {
            [] => Ok(None),
            _ => <[u8; 32]>::try_from(bytes).map(Some).map_err(|_| LinkError::Damaged),
        };
        Ok(Self {
            room_id: RoomId::try_from(&*content.room_id).map_err(|_| LinkError::Damaged)?,
            secret: InviteSecret::from_bytes((&*content.secret).try_into().map_err(|_| LinkError::Damaged)?),
            inviter: optional(&content.inviter)?.map(Fingerprint),
            least_epoch: content.least_epoch,
            ca_pin: optional(&content.ca_pin)?,
            room_name: clean_name(&content.room_name).map_err(|_| LinkError::Damaged)?,
        })
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
    write!(f, "schat://{open}{host}{close}:{port}/")
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
    let bytes = [body, &checksum(body)].concat();
    format!("schat://relay:443/#{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Tells a link that was cut or mistyped from one that is refused: not a protection.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    use sha2::{Digest, Sha256};
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(host: &str) -> InviteLink {
        let link = Link {
            room_id: RoomId([1; 32]),
            secret: InviteSecret::from_bytes([2; 32]),
            inviter: Some(Fingerprint([3; 32])),
            least_epoch: 7,
            ca_pin: Some([4; 32]),
            room_name: "team".to_owned(),
        };
        InviteLink { host: host.to_owned(), port: 4443, link }
    }

    #[test]
    fn links_survive_text() {
        for host in ["chat.example.org", "127.0.0.1", "::1"] {
            let text = link(host).to_string();
            assert_eq!(text.parse(), Ok(link(host)));
            assert_eq!(text.replace("schat://", "https://").parse(), Ok(link(host)));
            assert!(text.len() < 300, "{} fits a QR code", text.len());
        }
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
