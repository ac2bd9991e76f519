//! Who somebody is: the account, the credential of a leaf, and the numbers that people compare.

mod account;
pub mod credential;
pub mod safety;

pub use account::*;
