//! Of settings: what each does, how they stand, and what is wrong with a file.

mod about;
mod example;
mod shown;

pub use example::example;
pub use shown::shown;

use crate::{
    failure::{Exit, Failure},
    settings::{SettingsError, WrongValue},
};

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let exit = match &error {
            SettingsError::Missing { .. } => Exit::NotFound,
            _ => Exit::Usage,
        };
        let (message, remedy) = words(&error);
        Self::new(exit, "config", message, remedy)
    }
}

fn words(error: &SettingsError) -> (String, String) {
    let (message, remedy) = match error {
        SettingsError::Missing { path } => (
            format!("There is no settings file {}.", path.display()),
            "Name another with SCHAT_CONFIG or --config, or make it: `schat config --example`.",
        ),
        SettingsError::Read { path, source } => (
            format!("The settings file {} cannot be read: {source}.", path.display()),
            "Check the file and its permissions.",
        ),
        SettingsError::Large { path } => (
            format!("The settings file {} cannot be read: it is too large to be meant.", path.display()),
            "Check the file and its permissions.",
        ),
        SettingsError::Syntax { path, line, message } => (
            format!("{}:{line}: this is not TOML: {message}.", path.display()),
            "Mend that line; `schat config --example` shows how it is written.",
        ),
        SettingsError::Unknown { path, line, name, nearest } => {
            let message = format!("{}:{line}: there is no setting `{name}`.", path.display());
            let all = "`schat config --example` shows them all.";
            let remedy = match nearest {
                Some(nearest) => format!("Did you mean `{nearest}`? {all}"),
                None => all.to_owned(),
            };
            return (message, remedy);
        }
        SettingsError::Value { path, line, name, wrong } => (
            format!("{}:{line}: `{name}`: {}.", path.display(), value(wrong)),
            "`schat config --example` shows what it takes.",
        ),
    };
    (message, remedy.to_owned())
}

/// What a colour may be.
const COLOUR: &str = "the name of a colour, a number from 0 to 255, or \"#rrggbb\"";

fn value(wrong: &WrongValue) -> String {
    let fixed = match wrong {
        WrongValue::Section => "it is a section: write [it] on a line, and its settings below",
        WrongValue::Keys => "must be a key such as \"ctrl+k\", or a list of such",
        WrongValue::Colour(text) => {
            return format!(
                "`{text}` is no colour; write a name such as \"bright-blue\", a number from 0 to 255, or \"#rrggbb\""
            );
        }
        WrongValue::Colours(count) => return format!("must be an array of 7 colours, not of {count}"),
        WrongValue::Dictionary => "must be the name of a dictionary, as in \"en_GB\" or \"en_GB,de_DE\"",
        WrongValue::Directory => {
            "must be a directory from the root, as in \"/srv/files\", or from your own, as in \"~/Files\""
        }
        WrongValue::Program => "must name a program, as in [\"pass\", \"show\", \"schat\"]",
        WrongValue::Bounds(fewest, most) => return format!("must be from {fewest} to {most}"),
        WrongValue::Type(text) => {
            return match text.strip_suffix("expected a colour") {
                Some(found) => format!("{found}expected {COLOUR}"),
                None => text.clone(),
            };
        }
    };
    fixed.to_owned()
}
