//! What ties a Join to the connection of a page, which has no TLS exporter: a number that the relay drew for it, and
//! whom the page wanted to reach.

use sha2::{Digest, Sha256};

use crate::CHANNEL_BINDING_LEN;

/// Length of the number that the relay draws for each connection of a page, in bytes.
pub const NONCE_LEN: usize = 32;

/// Domain separation over a WebSocket.
const SOCKET_CONTEXT: &[u8] = b"schat/2 web socket";

/// Domain separation over WebTransport.
const TRANSPORT_CONTEXT: &[u8] = b"schat/2 web transport";

/// The channel binding over a WebSocket. `authority` is the request's, as a browser spells it: `chat.example.org`,
/// `127.0.0.1:4433`.
pub fn web_socket_binding(nonce: &[u8; NONCE_LEN], authority: &str) -> [u8; CHANNEL_BINDING_LEN] {
    hash([SOCKET_CONTEXT, nonce, authority.as_bytes()])
}

/// The channel binding over WebTransport. `leaf` is the SHA-256 of the relay's certificate, by which the page knew it.
pub fn web_transport_binding(nonce: &[u8; NONCE_LEN], leaf: &[u8; 32]) -> [u8; CHANNEL_BINDING_LEN] {
    hash([TRANSPORT_CONTEXT, nonce, leaf])
}

fn hash(parts: [&[u8]; 3]) -> [u8; CHANNEL_BINDING_LEN] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_nonce_way_host_or_leaf_is_another_binding() {
        let host = web_socket_binding(&[1; 32], "chat.example.org");
        let as_leaf: [u8; 32] = *b"chat.example.org:443............";
        let others = [
            web_socket_binding(&[2; 32], "chat.example.org"),
            web_socket_binding(&[1; 32], "chat.example.org:443"),
            web_socket_binding(&[1; 32], "chat.example.org:443............"),
            web_transport_binding(&[1; 32], &as_leaf),
            web_transport_binding(&[1; 32], &[2; 32]),
            web_transport_binding(&[2; 32], &[2; 32]),
        ];
        let mut all = [&[host], &others[..]].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 7);
    }

    /// For whoever writes another client.
    #[test]
    fn bindings_are_those_of_the_protocol() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(web_socket_binding(&[0; 32], "localhost")),
            "01cecd49bba4c562c26dd9e78aba7371bf4c394cd400b72f7113a68736545502"
        );
        assert_eq!(
            hex(web_transport_binding(&[0; 32], &[1; 32])),
            "7c3ee81d9fa1570e35b5f75d5e93a79e96a448cc7c2a6e114c4a8ffdac141bb2"
        );
    }
}
