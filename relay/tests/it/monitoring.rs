//! The example dashboard and alerts name only what the program measures.

use std::{collections::BTreeSet, fs, path::Path};

use tempfile::TempDir;

use crate::watching::{get, watched};

const PACKAGING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging");

/// Names of metrics in a text. `schat_relay_…` and `process_…` are all that the program has.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("schat_relay_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(PACKAGING).join(path)).unwrap()
}

#[test]
fn metric_on_the_dashboard_or_in_an_alert_that_the_program_does_not_have_is_found() {
    let directory = TempDir::new().unwrap();
    let (_program, address) = watched(directory.path(), &[]);
    let metrics = get(address, "/metrics", "localhost");
    // As `# TYPE schat_relay_commit_seconds histogram` says it; samples have a suffix, and may not be there yet.
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families: BTreeSet<_> = families.map(|line| line.split(' ').next().unwrap()).collect();
    let is_known = |name: &str| {
        let stems =
            ["_total", "_bucket", "_count", "_sum", "_info"].iter().filter_map(|end| name.strip_suffix(end));
        families.contains(name) || stems.into_iter().any(|stem| families.contains(stem))
    };
    let dashboard = read("grafana/schat-relay.json");
    serde_json::from_str::<serde_json::Value>(&dashboard).unwrap();
    for (what, text) in [("dashboard", dashboard), ("alerts", read("prometheus/alerts.yml"))] {
        let named = names(&text);
        assert!(named.len() > 4, "{what}: {named:?}");
        let unknown: Vec<_> = named.iter().filter(|name| !is_known(name)).collect();
        assert!(unknown.is_empty(), "{what}: {unknown:?} are not in\n{metrics}");
    }
}

#[test]
fn metric_without_a_word_in_the_documentation_is_found() {
    let directory = TempDir::new().unwrap();
    let (_program, address) = watched(directory.path(), &[]);
    let metrics = get(address, "/metrics", "localhost");
    let pages = fs::read_dir(Path::new(PACKAGING).join("../docs")).unwrap();
    let pages =
        pages.map(|page| page.unwrap().path()).filter(|page| page.extension().is_some_and(|end| end == "md"));
    let explained: BTreeSet<_> = pages.flat_map(|page| names(&fs::read_to_string(page).unwrap())).collect();
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let silent: Vec<_> = families
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| !explained.contains(*name))
        .filter(|(name, _)| ["total", "info"].iter().all(|end| !explained.contains(&format!("{name}_{end}"))))
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}
