//! Who uses this browser.

use std::sync::Arc;

use rand_core::UnwrapErr;
use shared::{
    crypto::{random::Random, suite::Suite},
    identity::{
        Fingerprint, Identity,
        phrase::Phrase,
        recovery::{RecoveryKey, seed_of},
        safety::safety_number,
    },
    room as engine,
};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// An account, and how it is called here.
#[wasm_bindgen]
pub struct Profile {
    pub(crate) engine: engine::Profile,
}

/// A fresh account, as it is stored.
#[wasm_bindgen]
pub struct NewAccount {
    account: Zeroizing<Vec<u8>>,
    entropy: Zeroizing<Vec<u8>>,
}

#[wasm_bindgen]
impl NewAccount {
    /// Draws one, with a recovery key.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let random = random();
        let entropy = Zeroizing::new(random.bytes());
        let next = RecoveryKey::from_seed(&seed_of(&entropy)).next();
        let account = Identity::generate(&random, next).to_bytes();
        Self { account, entropy: Zeroizing::new(entropy.to_vec()) }
    }

    /// The account: secret.
    pub fn account(&self) -> Vec<u8> {
        self.account.to_vec()
    }

    /// What the phrase of its recovery key says: secret.
    pub fn entropy(&self) -> Vec<u8> {
        self.entropy.to_vec()
    }
}

#[wasm_bindgen]
impl Profile {
    /// The account that [`NewAccount::account`] gave.
    ///
    /// # Errors
    /// `damaged` where these are other bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(account: &[u8], name: String, device: String) -> Result<Self, JsError> {
        let identity = Identity::read(account).ok_or_else(|| JsError::new("damaged"))?;
        let engine = engine::Profile {
            identity: Arc::new(identity),
            name,
            status: String::new(),
            glyph: String::new(),
            device_name: device,
            random: random(),
            suite: Suite::default(),
        };
        Ok(Self { engine })
    }

    /// Rooms that are entered from now on show this name.
    pub fn rename(&mut self, name: String) {
        self.engine.name = name;
    }

    /// What others see of the account, as 64 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.engine.identity.fingerprint().to_string()
    }

    /// The safety number with somebody.
    ///
    /// # Errors
    /// `damaged` where that is no fingerprint.
    pub fn safety(&self, other: &str) -> Result<String, JsError> {
        let other: Fingerprint = other.parse().map_err(|_| JsError::new("damaged"))?;
        Ok(safety_number(&self.engine.identity.fingerprint(), &other).digits())
    }
}

/// A name as it would be shown, if it may be one.
///
/// # Errors
/// Why not, for people who read English; pages have words of their own.
#[wasm_bindgen(js_name = cleanName)]
pub fn clean_name(name: &str) -> Result<String, JsError> {
    Ok(shared::identity::clean_speaker(name)?)
}

/// Names that are one give the same.
#[wasm_bindgen(js_name = foldName)]
pub fn fold_name(name: &str) -> String {
    shared::identity::names::fold(name)
}

/// The twelve words of a recovery key.
///
/// # Errors
/// `damaged` where these are not 16 bytes.
#[wasm_bindgen(js_name = phraseOf)]
pub fn phrase_of(entropy: &[u8]) -> Result<String, JsError> {
    let entropy = entropy.try_into().map_err(|_| JsError::new("damaged"))?;
    Ok(Phrase::from_bytes(&entropy).words().join(" "))
}

/// The browser's generator.
fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}
