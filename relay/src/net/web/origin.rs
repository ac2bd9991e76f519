//! Whose pages may connect. A browser says on each request which page makes it (`Origin`), and by which name it came
//! (`Host`); both are the browser's word, not the page's.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use hyper::StatusCode;

/// The scheme, host and port of a page, as a browser spells them: lower case, no port that is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// No origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "give a scheme, a host and perhaps a port, and nothing behind: https://chat.example.org, http://localhost:8080"
)]
pub struct ParseOriginError;

/// Why a page may not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// It is somebody else's page.
    Page,
    /// It came by a name that is not the relay's.
    Name,
}

impl Foreign {
    /// What it is told (RFC 9110, 15.5).
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Page => StatusCode::FORBIDDEN,
            Self::Name => StatusCode::MISDIRECTED_REQUEST,
        }
    }
}

/// Whether a page of `origin` may connect to a relay that it calls `authority`. `is_ours` is asked whether a name, or an address
/// without brackets, is the relay's; the port may be anything, since who forwards one does not tell the relay.
pub(crate) fn judge(
    origin: &str,
    authority: &str,
    others: &[Origin],
    is_ours: impl Fn(&str) -> bool,
) -> Result<(), Foreign> {
    let is_own = origin.strip_prefix("https://").is_some_and(|host| host == authority);
    if !is_own && !others.iter().any(|other| other.0 == origin) {
        return Err(Foreign::Page);
    }
    match host(authority) {
        Some(name) if is_ours(name) => Ok(()),
        _ => Err(Foreign::Name),
    }
}

/// The name or address in `host:port`.
fn host(authority: &str) -> Option<&str> {
    match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(host)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => is_port(port).then_some(host),
            None => Some(authority),
        },
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

impl FromStr for Origin {
    type Err = ParseOriginError;

    fn from_str(text: &str) -> Result<Self, ParseOriginError> {
        let (scheme, authority) = text.split_once("://").ok_or(ParseOriginError)?;
        let own_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return Err(ParseOriginError),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority).to_ascii_lowercase();
        let name = host(&authority).ok_or(ParseOriginError)?;
        match authority.starts_with('[') {
            true => drop(name.parse::<Ipv6Addr>().map_err(|_| ParseOriginError)?),
            false => drop(certs::parse_name(name).map_err(|_| ParseOriginError)?),
        }
        let authority = authority.strip_suffix(own_port).unwrap_or(&authority);
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "chat.example.org";

    #[test]
    fn only_own_pages_and_named_ones_connect_and_only_by_our_name() {
        let others = ["http://localhost:8080".parse().unwrap(), "https://web.example.com".parse().unwrap()];
        for (origin, authority, wanted) in [
            ("https://chat.example.org", OURS, Ok(())),
            ("https://chat.example.org:4433", "chat.example.org:4433", Ok(())),
            ("http://localhost:8080", OURS, Ok(())),
            ("https://web.example.com", OURS, Ok(())),
            // Somebody else's page, and such as only look like ours.
            ("https://evil.example", OURS, Err(Foreign::Page)),
            ("null", OURS, Err(Foreign::Page)),
            ("", OURS, Err(Foreign::Page)),
            ("http://chat.example.org", OURS, Err(Foreign::Page)),
            ("https://chat.example.org:4433", OURS, Err(Foreign::Page)),
            ("https://chat.example.org.evil.example", OURS, Err(Foreign::Page)),
            ("https://evil.example/chat.example.org", OURS, Err(Foreign::Page)),
            ("https://user@chat.example.org", OURS, Err(Foreign::Page)),
            ("http://localhost:8081", OURS, Err(Foreign::Page)),
            // A name that the page's own server bent to our address.
            ("https://evil.example", "evil.example", Err(Foreign::Name)),
            ("http://localhost:8080", "evil.example", Err(Foreign::Name)),
            ("https://", "", Err(Foreign::Name)),
            ("https://chat.example.org:x", "chat.example.org:x", Err(Foreign::Name)),
            ("https://chat.example.org:99999", "chat.example.org:99999", Err(Foreign::Name)),
            ("https://[chat.example.org", "[chat.example.org", Err(Foreign::Name)),
        ] {
            assert_eq!(
                judge(origin, authority, &others, |name| name == OURS),
                wanted,
                "{origin} {authority}"
            );
        }
        assert_eq!(judge("https://[::1]:4433", "[::1]:4433", &[], |name| name == "::1"), Ok(()));
    }

    #[test]
    fn origins_are_spelled_as_browsers_spell_them() {
        for (text, wanted) in [
            ("https://Chat.example.org", "https://chat.example.org"),
            ("https://chat.example.org:443/", "https://chat.example.org"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), wanted, "{text}");
        }
        for text in [
            "",
            "*",
            "null",
            "chat.example.org",
            "https://",
            "https://*",
            "https://*.example.org",
            "ftp://chat.example.org",
            "https://chat.example.org/page",
            "https://chat.example.org:",
            "https://chat.example.org:99999",
            "https://user@chat.example.org",
            "https://[chat.example.org]",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(ParseOriginError), "{text}");
        }
    }
}
