//! The settings in force, for people.

use crate::settings::{Origin, SECTIONS, Settings, rows, written, written_key};

/// Column at which the origins begin, if the settings leave room.
const WIDTH: usize = 32;

/// As a config.toml that can be used again, each line with where its value comes from.
pub fn shown(settings: &Settings) -> String {
    let mut lines = vec![match settings.source.file() {
        Some(file) => format!("# {}", file.display()),
        None => match Settings::path(None) {
            Some(path) => format!("# There is no {}: all is as by default.", path.display()),
            None => "# There is no home directory: all is as by default.".to_owned(),
        },
    }];
    for section in SECTIONS {
        lines.extend([String::new(), format!("[{section}]")]);
        for row in rows(settings).into_iter().filter(|row| row.section == *section) {
            let line = match &row.value {
                Some(value) => format!("{} = {}", written_key(&row.key), written(value)),
                None => format!("# {} =", row.key),
            };
            let origin = match (&row.value, row.section) {
                (Some(_), _) if row.origin == Origin::Device => "another device of yours".to_owned(),
                (Some(_), _) => row.origin.to_string(),
                (None, "theme") => "the theme's".to_owned(),
                (None, _) => "none".to_owned(),
            };
            lines.push(format!("{line:WIDTH$}  # {origin}"));
        }
    }
    lines.join("\n")
}
