//! Which entry of the system's keyring has the passphrase: a file beside the key, with the name of an account and no secret.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::Path,
};

use shared::crypto::random::Random;

/// The file's name.
pub(super) const FILE: &str = "keyring";

/// Random bytes of an account.
const LEN: usize = 16;

/// What is read of the file, in bytes: the account, the end of its line, and one that tells a longer one.
const MAX_READ: u64 = 2 * LEN as u64 + 2;

/// An account in a keyring: 32 hexadecimal digits. It has one passphrase for ever; another passphrase gets another account, so
/// that whatever is interrupted leaves the profile with an account that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(String);

impl Account {
    /// One that nobody has.
    pub fn new(random: &Random) -> Self {
        Self(hex::encode(random.bytes::<LEN>()))
    }

    /// The one that the profile in `dir` names, if it does.
    ///
    /// # Errors
    /// When the file cannot be read, or names none.
    pub fn of(dir: &Path) -> io::Result<Option<Self>> {
        let mut text = String::new();
        match fs::File::open(dir.join(FILE)) {
            Ok(file) => file.take(MAX_READ).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let account = text.trim_end();
        match hex::decode(account) {
            Ok(bytes) if bytes.len() == LEN => Ok(Some(Self(account.to_owned()))),
            _ => Err(io::Error::other("it is damaged")),
        }
    }

    /// What the file holds.
    pub(super) fn to_line(&self) -> String {
        format!("{}\n", self.0)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_was_named_is_read_and_what_is_no_account_is_an_error() {
        let dir = TempDir::new().unwrap();
        assert_eq!(Account::of(dir.path()).unwrap(), None);
        let account = Account::new(&Random::new(UnwrapErr(getrandom::SysRng)));
        fs::write(dir.path().join(FILE), account.to_line()).unwrap();
        assert_eq!(Account::of(dir.path()).unwrap(), Some(account.clone()));
        for damaged in ["", "00", &format!("{account}00"), &"z".repeat(2 * LEN), &"0".repeat(9_999)] {
            fs::write(dir.path().join(FILE), damaged).unwrap();
            assert!(Account::of(dir.path()).is_err(), "{damaged}");
        }
    }
}
