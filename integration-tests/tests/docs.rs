//! The documents against the tree: links that lead somewhere, and a tour that names what is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
}

fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join("docs"), "md", &mut found);
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    found.extend(top.filter(|path| path.extension().is_some_and(|own| own == "md")));
    found
}

/// As the usual renderers of Markdown make it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept: String = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect();
    kept.replace(' ', "-")
}

fn anchors(page: &str) -> BTreeSet<String> {
    page.lines().filter_map(|line| Some(anchor(line.trim_start_matches('#').strip_prefix(' ')?))).collect()
}

#[test]
fn link_to_nowhere_is_found() {
    let mut broken = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.contains('`') {
                continue;
            }
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let there = target.exists()
                && (section.is_empty() || anchors(&fs::read_to_string(&target).unwrap()).contains(section));
            if !there {
                broken.push(format!("{}: {link}", path.file_name().unwrap().to_string_lossy()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Rows that a text takes on a terminal of so many columns, its words kept whole.
fn rows(text: &str, columns: usize) -> usize {
    let of_line = |line: &str| {
        let (mut rows, mut used) = (1, 0);
        for word in line.split_inclusive(' ') {
            let width = word.trim_end().chars().count();
            if used > 0 && used + width > columns {
                (rows, used) = (rows + 1, 0);
            }
            used += word.chars().count();
        }
        rows
    };
    text.lines().map(of_line).sum()
}

#[test]
fn readme_that_takes_more_than_three_screens_is_found() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let rows = rows(&text, 80);
    assert!(rows <= 120, "{rows} rows of 80 columns: move something to docs/");
}

/// What the tour names, by the directory of its section.
fn tour() -> Vec<(PathBuf, Vec<String>)> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut sections: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            let directory = line.strip_prefix("### `").and_then(|rest| rest.split('`').next());
            sections.push((PathBuf::from(directory.unwrap_or_default()), Vec::new()));
        } else if let Some((_, named)) =
            sections.last_mut().filter(|(directory, _)| directory != Path::new(""))
        {
            let cell = line.strip_prefix("| ").and_then(|rest| rest.split(" |").next()).unwrap_or_default();
            named.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    sections.retain(|(directory, named)| root().join(directory).is_dir() && !named.is_empty());
    sections
}

#[test]
fn tour_that_names_what_is_not_there_is_found() {
    let missing: Vec<_> = tour()
        .into_iter()
        .flat_map(|(directory, named)| named.into_iter().map(move |name| directory.join(name)))
        .filter(|path| !root().join(path.to_string_lossy().trim_end_matches('*')).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn file_that_the_tour_passes_by_is_found() {
    let mut passed = Vec::new();
    for (directory, named) in tour() {
        let mut found = Vec::new();
        files(&root().join(&directory), "rs", &mut found);
        for file in found {
            let name = file.strip_prefix(root().join(&directory)).unwrap().to_string_lossy().into_owned();
            let covers = |named: &String| match named.strip_suffix("mod.rs") {
                // A folder's `mod.rs` stands for the folder.
                Some(folder) => name.starts_with(folder),
                None => *named == name || named.ends_with('/') && name.starts_with(named.as_str()),
            };
            let is_test = name.ends_with("tests.rs") || name.contains("tests/");
            let is_root = ["lib.rs", "mod.rs"].contains(&file.file_name().unwrap().to_str().unwrap());
            if !is_test && !is_root && !named.iter().any(covers) {
                passed.push(format!("{}{name}", directory.display()));
            }
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}
