//! Relays in words: the way there, and why one is trusted.

use crate::{
    runtime::ChosenRelay,
    transport::{Carrier, Trust},
};

/// A relay is there, by which way, and why it is trusted.
pub fn connected(relay: &str, trust: Trust, carrier: Carrier) -> String {
    let way = match carrier {
        Carrier::Quic => "by QUIC",
        Carrier::Tcp => "over TCP, because UDP does not get through",
    };
    format!("Connected to {relay} {way}: {}.", self::trust(trust))
}

/// Why a relay is trusted.
pub fn trust(trust: Trust) -> String {
    match trust {
        Trust::WebPki => "its certificate is vouched for by the system's authorities".to_owned(),
        Trust::Pinned(_) => "its certificate is the one that the link names".to_owned(),
        Trust::CaFile => "its certificate is vouched for by the file given with --ca".to_owned(),
        Trust::Remembered(_) => "its certificate is the one seen before".to_owned(),
        Trust::FirstUse(pin) => format!(
            "seen for the FIRST time, nobody vouches for it. Its certificate {pin} is remembered; a change will be \
             refused. Compare it with what the relay's operator says"
        ),
    }
}

/// A link to a relay was taken.
pub fn chosen(relay: &ChosenRelay) -> String {
    let replaced = if relay.replaced { " This replaces another pin that was remembered." } else { "" };
    let token = if relay.token.is_some() { " The link's token is kept for opening rooms there." } else { "" };
    format!(
        "From now on your relay is {}, and its certificate must have the pin {}.{replaced}{token} Now /join NAME opens an \
         open room there; /create NAME makes a private one.",
        relay.address, relay.pin
    )
}
