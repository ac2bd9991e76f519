//! Paths that fit the beginning of one, for Tab.

use std::{fs, path::Path};

/// Most entries of a directory that are looked at, and most that are offered: more is no choice.
const MOST: (usize, usize) = (4_096, 64);

/// Paths that begin so, in order; directories end in a slash. `~/` is the home directory.
pub(super) fn fitting(start: &str) -> Vec<String> {
    let (directory, name) = match start.rfind('/') {
        Some(at) => start.split_at(at + 1),
        None => ("", start),
    };
    let place = match directory.strip_prefix("~/") {
        Some(rest) => match std::env::home_dir() {
            Some(home) => home.join(rest),
            None => return Vec::new(),
        },
        None if directory.is_empty() => Path::new(".").to_owned(),
        None => Path::new(directory).to_owned(),
    };
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    let mut found: Vec<String> = entries
        .take(MOST.0)
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            // Hidden files only for who asks for them.
            let fits = file.starts_with(name) && (!file.starts_with('.') || name.starts_with('.'));
            let slash = if entry.path().is_dir() { "/" } else { "" };
            fits.then(|| format!("{directory}{file}{slash}"))
        })
        .collect();
    found.sort();
    found.truncate(MOST.1);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_so_is_offered() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "").unwrap();
        fs::write(dir.path().join(".hidden"), "").unwrap();
        fs::create_dir(dir.path().join("new folder")).unwrap();
        let at = |name: &str| format!("{}/{name}", dir.path().display());
        assert_eq!(fitting(&at("n")), [at("new folder/"), at("notes.txt")]);
        assert_eq!(fitting(&at(".")), [at(".hidden")]);
        assert_eq!(fitting(&at("x")), Vec::<String>::new());
        assert_eq!(fitting("/no/such/place/"), Vec::<String>::new());
    }
}
