//! Settings that follow a person from device to device: what others learn of them, and how they like things. Not what is of one machine:
//! paths, programs, what is installed or how much is kept; its terminal with its colours and keys; whether others may see its screen.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::{
    Settings,
    known::{KNOWN, KnownSetting, Reach, reach},
    show::{rows, written},
    source::Origin,
};
use crate::store::{Agreed, Followed, Said};

/// The settings of a file, with what the person's devices agreed on since it was changed.
pub fn with(mut settings: Settings, followed: &Followed) -> Settings {
    let said = said(&settings);
    let file = settings.source.file().map(|file| file.to_string_lossy().into_owned());
    for (name, value) in followed.in_force(file.as_deref(), &said) {
        // What another version of this program says, and this one does not understand, is as if nobody had said it.
        if put(&mut settings, &name, value.as_deref()).is_some() {
            settings.source.followed.insert(name);
        }
    }
    settings.source.said = said;
    settings
}

/// Those of a config.toml, by name. Of a hand-over: whatever else stands there is left out.
pub fn named(toml: &str) -> Said {
    let Ok(table) = toml.parse::<toml::Table>() else { return Said::new() };
    let rows = table.iter().flat_map(|(section, rows)| {
        rows.as_table()
            .into_iter()
            .flatten()
            .map(move |(key, value)| (format!("{section}.{key}"), written(value)))
    });
    rows.filter(|(name, value)| put(&mut Settings::default(), name, Some(value)).is_some()).collect()
}

/// What was agreed on, as a config.toml.
pub fn as_toml(agreed: &Agreed) -> String {
    let mut sections: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in agreed {
        if let (Some((section, key)), Some(value)) = (name.split_once('.'), value) {
            sections.entry(section).or_default().push(format!("{key} = {value}"));
        }
    }
    let text: Vec<String> =
        sections.into_iter().map(|(section, rows)| format!("[{section}]\n{}\n", rows.join("\n"))).collect();
    text.concat()
}

fn said(settings: &Settings) -> Said {
    let chosen = rows(settings).into_iter().filter(|row| matches!(row.origin, Origin::File(..)));
    let following = chosen.filter(|row| reach(row.section, &row.key) == Reach::Devices);
    following
        .filter_map(|row| Some((format!("{}.{}", row.section, row.key), written(row.value.as_ref()?))))
        .collect()
}

/// None: it is no such setting, or none of its values. `value`: none for the default.
fn put(settings: &mut Settings, name: &str, value: Option<&str>) -> Option<()> {
    let known = KNOWN.iter().find(|known| known.name() == name && known.reach == Reach::Devices)?;
    let text = match value {
        Some(value) => value.to_owned(),
        None => written(&(known.show)(&Settings::default())?),
    };
    set(settings, known, &text)
}

fn set(settings: &mut Settings, known: &KnownSetting, text: &str) -> Option<()> {
    let line = format!("value = {text}");
    let table = DeTable::parse(&line).ok()?.into_inner();
    let mut rows = table.into_iter();
    let (Some((_, value)), None) = (rows.next(), rows.next()) else { return None };
    (known.set)(settings, value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_follows_is_one_and_has_a_default() {
        let names: Vec<String> =
            KNOWN.iter().filter(|known| known.reach == Reach::Devices).map(KnownSetting::name).collect();
        assert_eq!(names.len(), 9, "as docs/devices.md lists them: {names:?}");
        for name in names {
            assert!(put(&mut Settings::default(), &name, None).is_some(), "{name}");
        }
    }

    #[test]
    fn what_another_device_says_is_a_setting_that_follows_or_nothing() {
        for (name, value) in [
            ("lock.passphrase_command", "[\"sh\"]"),
            ("files.downloads", "\"/etc\""),
            ("screen.theme", "\"dark\""),
            ("privacy.seen", "\"yes\""),
            ("privacy.seen", "true\n[lock]\npassphrase_command = [\"sh\"]"),
            ("privacy.seen", "true\nother = 1"),
            ("privacy.seen", ""),
            ("keys.quit", "\"q\""),
            ("nothing", "1"),
        ] {
            let mut settings = Settings::default();
            assert!(put(&mut settings, name, Some(value)).is_none(), "{name} = {value}");
            assert_eq!(settings, Settings::default(), "{name} = {value}");
        }
        let named = named("[privacy]\nseen = true\ntyping = 3\n[lock]\npassphrase_command = ['sh']");
        assert_eq!(named.into_iter().collect::<Vec<_>>(), [("privacy.seen".to_owned(), "true".to_owned())]);
    }
}
