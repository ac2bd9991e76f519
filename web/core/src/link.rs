//! Links, as people bring them.

use shared::{
    identity::Fingerprint,
    invite::link::{InviteLink, Link},
};
use wasm_bindgen::prelude::*;

/// What an invite link says.
#[wasm_bindgen]
pub struct Invite {
    link: InviteLink,
}

#[wasm_bindgen]
impl Invite {
    /// Reads a whole link.
    ///
    /// # Errors
    /// Why it is none.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<Self, JsError> {
        Ok(Self { link: text.parse()? })
    }

    /// The relay's name or address.
    pub fn host(&self) -> String {
        self.link.host.clone()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.link.port
    }

    /// The beginning of the pin of the relay's authority, in hexadecimal digits; none where public authorities vouch for it.
    pub fn pin(&self) -> Option<String> {
        self.link.link.pin.map(hex::encode)
    }

    /// The same without the relay, for [`crate::room::Room::join`]: secret.
    pub fn fragment(&self) -> String {
        let whole = self.link.to_string();
        whole.split_once('#').map(|(_, fragment)| fragment.to_owned()).unwrap_or_default()
    }
}

/// A link as the relay's page opens it.
pub(crate) fn text(link: Link, host: &str, port: u16) -> String {
    let whole = InviteLink { host: host.to_owned(), port, link }.to_string();
    whole.replacen("schat://", "https://", 1)
}

pub(crate) fn read(fragment: &str) -> Result<Link, JsError> {
    Ok(Link::from_code(fragment)?)
}

pub(crate) fn fingerprint(digits: &str) -> Result<Fingerprint, JsError> {
    digits.parse().map_err(|_| JsError::new("damaged"))
}

pub(crate) fn id(digits: &str) -> Result<[u8; 16], JsError> {
    hex::decode(digits).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| JsError::new("damaged"))
}
