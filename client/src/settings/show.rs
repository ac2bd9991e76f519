//! The settings in force: as rows, and for programs.

use serde::Serialize;
use toml::Value;

use super::{
    Origin, Settings,
    known::{KEYS, KNOWN, Reach, SECTIONS, reach},
};

/// What of the settings goes into a backup, as a config.toml: what somebody chose; empty where nobody did.
pub fn carried(settings: &Settings) -> String {
    let mut lines = Vec::new();
    for section in SECTIONS {
        let chosen = rows(settings)
            .into_iter()
            .filter(|row| row.section == *section && is_carried(row.section, &row.key))
            .filter(|row| !matches!(row.origin, Origin::Default));
        let chosen: Vec<_> = chosen
            .filter_map(|row| Some(format!("{} = {}", written_key(&row.key), written(row.value.as_ref()?))))
            .collect();
        if !chosen.is_empty() {
            lines.push(format!("[{section}]"));
            lines.extend(chosen);
        }
    }
    lines.join("\n")
}

/// What of a config.toml a backup may bring; whatever else stands there, whoever wrote it, is left out.
pub fn only_carried(text: &str) -> String {
    let Ok(table) = text.parse::<toml::Table>() else { return String::new() };
    let mut lines = Vec::new();
    for (section, rows) in &table {
        let rows = rows.as_table().into_iter().flatten();
        let known: Vec<_> = rows
            .filter(|(key, value)| {
                is_carried(section, key) && !matches!(value, Value::Table(_) | Value::Datetime(_))
            })
            .map(|(key, value)| format!("{} = {}", written_key(key), written(value)))
            .collect();
        if !known.is_empty() {
            lines.push(format!("[{section}]"));
            lines.extend(known);
        }
    }
    lines.join("\n")
}

fn is_carried(section: &str, key: &str) -> bool {
    reach(section, key) != Reach::Machine
}

/// As one JSON document.
pub fn json(settings: &Settings) -> String {
    #[derive(Serialize)]
    struct Out {
        name: String,
        value: Option<Value>,
        origin: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
    }
    let out: Vec<_> = rows(settings)
        .into_iter()
        .map(|row| {
            let (origin, line) = match row.origin {
                Origin::Default => ("default", None),
                Origin::Device => ("device", None),
                Origin::File(_, line) => ("file", Some(line)),
            };
            Out { name: format!("{}.{}", row.section, row.key), value: row.value, origin, line }
        })
        .collect();
    serde_json::json!({ "v": 1, "file": settings.source.file(), "settings": out }).to_string()
}

/// One setting as it is in force.
pub(crate) struct Row<'a> {
    /// Its section.
    pub(crate) section: &'static str,
    /// Its name there.
    pub(crate) key: String,
    /// Its value, if it has one.
    pub(crate) value: Option<Value>,
    /// Where it was said.
    pub(crate) origin: Origin<'a>,
}

/// All of them, in the order of the example.
pub(crate) fn rows(settings: &Settings) -> Vec<Row<'_>> {
    let origin = |section, key: &str| settings.source.origin(&format!("{section}.{key}"));
    let known = KNOWN.iter().map(|known| Row {
        section: known.section,
        key: known.key.to_owned(),
        value: (known.show)(settings),
        origin: origin(known.section, known.key),
    });
    let actions = settings.keys.actions.iter().map(|(action, keys)| Row {
        section: KEYS,
        key: action.clone(),
        value: Some(match keys.as_slice() {
            [key] => Value::from(key.as_str()),
            keys => Value::from(keys.to_vec()),
        }),
        origin: origin(KEYS, action),
    });
    known.chain(actions).collect()
}

/// A key as TOML writes it.
pub(crate) fn written_key(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if is_bare { key.to_owned() } else { written(&Value::from(key)) }
}

/// A value as TOML writes it: as JSON does, but for one character that may not stand there as it is.
pub(crate) fn written(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(written).collect::<Vec<_>>().join(", ")),
        value => serde_json::to_string(value).unwrap_or_default().replace('\u{7f}', "\\u007f"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_back_whatever_characters_it_has() {
        for text in ["plain", "a \"b\" \\ 'c'", "end\nof\r\n\ta line", "\u{1}\u{7f}\u{85}", "é ☃ #"] {
            let value = Value::from(vec![text, text]);
            let table: toml::Table = format!("key = {}", written(&value)).parse().unwrap();
            assert_eq!(table.get("key"), Some(&value), "{text:?}");
        }
    }

    #[test]
    fn what_a_backup_brings_names_no_program_and_no_path() {
        let text = "passphrase_command = ['sh']\n[screen]\ntheme = 'light'\n[notify]\ntext = false\ncommand = 'sh'\n[files]\ndirectory = '/'";
        assert_eq!(only_carried(text), "[notify]\ntext = false\n[screen]\ntheme = \"light\"");
        assert_eq!(
            only_carried("[keys]\nquit = { a = 1 }\nsend = [\"a\", '\"']"),
            "[keys]\nsend = [\"a\", \"\\\"\"]"
        );
        assert_eq!(only_carried("no toml"), "");
    }
}
