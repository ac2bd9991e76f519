//! The names a server certificate may carry.

use std::net::IpAddr;

use rustls::pki_types::ServerName;

use crate::CertsError;

/// Reads a DNS name or an IP address that clients can dial, the way a certificate spells it: lower case, no
/// trailing dot.
pub fn parse_name(text: &str) -> Result<ServerName<'static>, CertsError> {
    let bad = |reason| CertsError::BadName { name: text.escape_debug().to_string(), reason };
    if text.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified()) {
        return Err(bad("it is an address to listen on; give one that clients dial"));
    }
    if !text.is_ascii() {
        return Err(bad("it is not ASCII; write an international name in its `xn--` form"));
    }
    if text.starts_with("*.") {
        return Err(bad("wildcards are not issued; give each name in full"));
    }
    // Certificates never carry the trailing dot of an absolute name (RFC 5280, section 4.2.1.6).
    let spelled = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    ServerName::try_from(spelled).map_err(|_| {
        bad("it is neither a DNS name nor an IP address; give the host alone, \
             without scheme, port, path or brackets")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_in_a_certificate() {
        for (given, spelled) in [
            ("chat.example.org", "chat.example.org"),
            ("Chat.Example.ORG.", "chat.example.org"),
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("2001:DB8::0:1", "2001:db8::1"),
        ] {
            assert_eq!(parse_name(given).unwrap().to_str(), spelled);
        }
    }

    #[test]
    fn names_that_nobody_can_dial_are_refused() {
        for (given, hint) in [
            ("", "host alone"),
            (".", "host alone"),
            ("https://chat.example.org", "host alone"),
            ("chat.example.org:443", "host alone"),
            ("[::1]", "host alone"),
            ("chat example", "host alone"),
            ("chat..example", "host alone"),
            ("-chat.example", "host alone"),
            ("256.1.1.1", "host alone"),
            ("a\0b", "host alone"),
            ("chat.exämple.org", "xn--"),
            ("*.example.org", "wildcards"),
            ("0.0.0.0", "listen"),
            ("::", "listen"),
        ] {
            let error = parse_name(given).expect_err(given).to_string();
            assert!(error.contains(hint), "{given}: {error}");
        }
        assert!(parse_name(&"a".repeat(64)).is_err());
        assert!(parse_name("\u{1b}[31m").unwrap_err().to_string().is_ascii());
    }
}
