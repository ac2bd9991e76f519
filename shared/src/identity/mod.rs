//! Who somebody is: the account, the credential of a leaf, what a name may be, and the numbers that people compare.

mod account;
mod avatar;
mod change;
pub mod credential;
mod device;
mod fingerprint;
pub mod names;
mod person;
pub mod phrase;
pub mod recovery;
pub mod safety;
mod signature;

pub use account::Identity;
pub use avatar::{Avatar, MAX_AVATAR};
pub use change::KeyChange;
pub use device::DeviceId;
pub use fingerprint::{Fingerprint, FingerprintError, Next};
pub use names::{
    MAX_NAME, MAX_TOPIC, NameError, clean_name, clean_optional, clean_speaker, clean_topic, clean_words,
};
pub use person::Person;
pub(crate) use signature::verifies;
