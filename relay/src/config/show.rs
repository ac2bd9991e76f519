//! The settings in force, for people and programs.

use serde::Serialize;
use toml::Value;

use super::{Loaded, Origin, Setting};

/// As a relay.toml that can be used again, each line with where its value comes from.
pub fn toml(loaded: &Loaded) -> String {
    let lines: Vec<_> = loaded.settings.iter().map(|setting| (line(setting), &setting.origin)).collect();
    let width =
        lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= 48).max().unwrap_or(0);
    lines
        .into_iter()
        .map(|(line, origin)| format!("{line:width$}  # {origin}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// As one JSON document.
pub fn json(loaded: &Loaded) -> String {
    #[derive(Serialize)]
    struct Row<'a> {
        name: &'a str,
        values: Option<&'a [String]>,
        origin: String,
    }
    let rows: Vec<_> = loaded
        .settings
        .iter()
        .map(|setting| Row {
            name: &setting.name,
            values: (!setting.is_secret).then_some(&setting.values),
            origin: setting.origin.to_string(),
        })
        .collect();
    serde_json::to_string(&serde_json::json!({ "v": 1, "settings": rows })).unwrap_or_default()
}

pub(super) fn line(setting: &Setting) -> String {
    let name = &setting.name;
    match (&setting.origin, &*setting.values) {
        (Origin::Unset, _) | (_, []) => format!("# {name} ="),
        _ if setting.is_secret => format!("# {name} = (not shown)"),
        (_, values) if setting.is_list => {
            let values: Vec<_> = values.iter().map(|value| written(value)).collect();
            format!("{name} = [{}]", values.join(", "))
        }
        (_, [value, ..]) => format!("{name} = {}", written(value)),
    }
}

pub(super) fn written(text: &str) -> String {
    match (text.parse::<i64>(), text.parse::<bool>()) {
        (Ok(number), _) if number.to_string() == text => text.to_owned(),
        (_, Ok(_)) => text.to_owned(),
        _ => Value::from(text).to_string(),
    }
}
