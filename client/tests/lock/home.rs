//! A home with a profile, and what the program says in it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

pub(crate) const OLD: &str = "correct horse battery";
pub(crate) const NEW: &str = "another horse, same battery";

/// A home: the profile below it, files with passphrases beside it.
pub(crate) struct Home(pub TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn profile(&self) -> PathBuf {
        self.0.path().join("profile")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.profile().join("key")
    }

    /// A file with this passphrase, which only its owner can read.
    pub(crate) fn file(&self, passphrase: &str) -> String {
        let path = self.0.path().join(passphrase.replace(' ', "-") + ".txt");
        fs::write(&path, format!("{passphrase}\nand what it is for\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Without a terminal, whoever runs the tests.
    pub(crate) fn schat(&self, arguments: &[&str]) -> Output {
        Command::new("setsid")
            .arg("--wait")
            .arg(env!("CARGO_BIN_EXE_schat"))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SCHAT_PROFILE", self.profile())
            .env("HOME", self.0.path())
            // Not the keyring of whoever runs the tests.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub(crate) fn with(&self, passphrase: &str, arguments: &[&str]) -> Output {
        let file = self.file(passphrase);
        self.schat(&[&["--passphrase-file", &file], arguments].concat())
    }

    /// A new profile, and its fingerprint.
    pub(crate) fn begun() -> (Self, String) {
        let home = Self::new();
        done(&home.schat(&["--json"]));
        let fingerprint = out(&home.schat(&["fingerprint"]));
        (home, fingerprint)
    }

    /// A profile under [`OLD`], and its fingerprint.
    pub(crate) fn locked() -> (Self, String) {
        let (home, fingerprint) = Self::begun();
        assert_eq!(fs::metadata(home.key()).unwrap().len(), 32);
        done(&home.with(OLD, &["lock"]));
        (home, fingerprint)
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn done(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

pub(crate) fn out(output: &Output) -> String {
    done(output);
    text(&output.stdout)
}

pub(crate) fn refused(output: &Output, code: i32, why: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(text(&output.stderr).contains(why) && output.stdout.is_empty(), "{why}: {output:?}");
}
