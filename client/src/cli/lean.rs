//! What this program may have been built without (the features in `Cargo.toml`), and what whoever asks for it is told.

use crate::{
    faces::words::command::program,
    failure::Failure,
    settings::{Origin, Settings},
};

/// How to have all of it.
const FULL: &str = "cargo install --path client --features full";

/// The setting of notifications of the desktop.
const DESKTOP: &str = "notify.desktop";

/// Somebody asks for what this program does not have. `instead` is what helps without it; it may be empty.
pub(super) fn without(what: &str, instead: &str) -> Failure {
    program::without(what, FULL, instead)
}

/// Says of the settings what this program does not heed though the file has it.
pub(super) fn unheeded(settings: &Settings) -> Option<String> {
    let is_asked = settings.notify.desktop && matches!(settings.source.origin(DESKTOP), Origin::File(..));
    let failure = without(program::NOTIFICATIONS.0, program::NOTIFICATIONS.1);
    let is_missing = !cfg!(feature = "notify") && is_asked;
    is_missing.then(|| program::unheeded(DESKTOP, &failure))
}

/// The shells that there are completions for.
#[cfg(not(feature = "manual"))]
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Shell {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// No manual pages.
#[cfg(not(feature = "manual"))]
pub(super) mod man {
    use std::path::Path;

    use crate::failure::{Exit, Failure};

    pub(in crate::cli) fn man(_: &clap::Command, _: Option<&Path>) -> Result<Exit, Failure> {
        Err(super::without(super::program::MANUAL.0, super::program::MANUAL.1))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is said of these settings.
    fn said(text: &str) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, text).unwrap();
        unheeded(&Settings::load(Some(&path)).unwrap())
    }

    #[test]
    fn setting_that_is_not_heeded_is_named_where_it_was_asked_for_and_nowhere_else() {
        let asked = said("[notify]\ndesktop = true\n");
        assert_eq!(asked.is_none(), cfg!(feature = "notify"));
        assert!(asked.is_none_or(|said| said.contains(DESKTOP) && said.contains(FULL)));
        assert_eq!(said("[notify]\ndesktop = false\n"), None);
        assert_eq!(said(""), None);
        assert_eq!(unheeded(&Settings::default()), None);
    }
}
