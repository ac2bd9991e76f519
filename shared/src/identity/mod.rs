//! Who somebody is: the account, the credential of a leaf, what a name may be, and the numbers that people compare.

mod account;
mod avatar;
pub mod credential;
pub mod names;
mod person;
pub mod phrase;
pub mod safety;

pub use account::*;
pub use avatar::{Avatar, MAX_AVATAR};
pub use names::{
    MAX_NAME, MAX_TOPIC, NameError, clean_name, clean_optional, clean_speaker, clean_topic, clean_words,
};
pub use person::Person;
