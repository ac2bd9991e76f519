//! Where a user's files are, by the custom of the system: for this program, and for the client, which may embed a relay.

use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};

/// Settings of a program: XDG on Linux, Application Support on macOS, Roaming on Windows.
pub fn config_dir(program: &str) -> Option<PathBuf> {
    let dirs = choose_native_strategy().ok()?;
    Some(match () {
        // Preferences are property lists there.
        () if cfg!(target_os = "macos") => dirs.data_dir().join(program),
        () if cfg!(windows) => dirs.config_dir().join(program).join("config"),
        () => dirs.config_dir().join(program),
    })
}

/// What a program keeps.
pub fn data_dir(program: &str) -> Option<PathBuf> {
    let own = choose_native_strategy().ok()?.data_dir().join(program);
    Some(if cfg!(windows) { own.join("data") } else { own })
}

/// The user's own directory.
pub fn own_dir() -> Option<PathBuf> {
    etcetera::home_dir().ok()
}
