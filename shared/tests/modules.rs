//! The modules of these crates form no circles: what uses what can be read from top to bottom.
//!
//! Sources are read, not compiled: every path that begins with `crate`, `super` or `self`, in `use` or elsewhere, is an arrow
//! from the module it stands in to the one it names. Arrows are looked at between the children of each module; what a
//! module and its own children have with each other is their affair. Tests may use what they like.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A module, from the crate's root.
type Module = Vec<String>;

/// Arrows between the children of each module.
type Arrows = BTreeMap<Module, BTreeMap<String, BTreeSet<String>>>;

/// The crates whose modules are looked at: their folders beside this one.
const CHECKED: [&str; 6] = ["proto", "shared", "certs", "tunnel", "relay", "client"];

#[test]
fn modules_form_no_circles() {
    for krate in CHECKED {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src");
        for (parent, arrows) in arrows(&sources) {
            let found = circles(&arrows);
            assert!(found.is_empty(), "circles in {krate}, {}: {found:?}", parent.join("::"));
        }
    }
}

#[test]
fn circle_is_found_wherever_it_closes() {
    let text =
        "use crate::{a::{self, b}, c as d};\n fn f() { crate::e::g::<u8>(super::h()); } // crate::no\n";
    let named: Vec<String> = paths(&plain(text)).into_iter().map(|path| path.join("::")).collect();
    assert_eq!(named, ["crate::a::self", "crate::a::b", "crate::c", "crate::e::g", "super::h"]);
    let arrows = |pairs: &[(&str, &str)]| {
        let mut all = BTreeMap::<String, BTreeSet<String>>::new();
        for (from, to) in pairs {
            all.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        all
    };
    assert!(circles(&arrows(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    assert_eq!(circles(&arrows(&[("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")])), [["b", "c"]]);
}

#[test]
fn comments_and_texts_name_no_modules_and_tests_are_left_out() {
    let text = "let a = \"crate::x // \\\" crate::y\"; /* crate::z */ let b = 'c'; use crate::real;\n\
                #[cfg(test)]\nmod tests {\n use crate::test;\n}\n";
    assert_eq!(paths(&plain(text)), [["crate", "real"]]);
    let tests = "#[cfg(test)]\npub mod hostile;\nmod real;\n#[cfg(any(test, feature = \"x\"))]\nmod fuzz;\n";
    assert_eq!(test_modules(tests), ["hostile", "fuzz"]);
}

/// The arrows of all files beneath `sources`.
fn arrows(sources: &Path) -> Arrows {
    let mut files = Vec::new();
    collect(sources, &Vec::new(), &mut files);
    assert!(files.len() > 3, "{} has sources", sources.display());
    let modules: BTreeSet<&Module> = files.iter().map(|(module, _)| module).collect();
    let mut arrows = Arrows::new();
    for (from, text) in &files {
        for path in paths(&plain(text)) {
            let Some(to) = resolve(from, &path, &modules) else { continue };
            let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
                let parent = arrows.entry(from[..shared].to_vec()).or_default();
                parent.entry(one.clone()).or_default().insert(other.clone());
            }
        }
    }
    arrows
}

/// Every file of a folder, but those of tests, with the module that it is.
fn collect(folder: &Path, module: &Module, files: &mut Vec<(Module, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    let root = ["lib.rs", "mod.rs"].map(|name| folder.join(name)).into_iter().find(|path| path.exists());
    // The other style: `a.rs` beside `a/`.
    let root = root.or_else(|| Some(folder.with_extension("rs")).filter(|path| path.exists()));
    let skipped = root.map(|root| test_modules(&text(&root))).unwrap_or_default();
    for path in entries {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "tests" || skipped.contains(&name) {
            continue;
        }
        let inner: Module = module.iter().cloned().chain([name.clone()]).collect();
        if path.is_dir() {
            collect(&path, &inner, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let is_root = matches!(name.as_str(), "lib" | "mod" | "main");
            files.push((if is_root { module.clone() } else { inner }, text(&path)));
        }
    }
}

/// Modules that are for tests only.
fn test_modules(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter(|pair| pair[0].starts_with("#[cfg(") && pair[0].contains("test"));
    let name = |pair: &[&str]| {
        let (_, rest) = pair[1].split_once("mod ")?;
        Some(rest.strip_suffix(';')?.to_owned())
    };
    pairs.filter_map(name).collect()
}

/// The text without comments, texts, and what is for tests at its end.
fn plain(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('/', Some('/')) => while rest.next_if(|c| *c != '\n').is_some() {},
            ('/', Some('*')) => {
                let mut before = ' ';
                for c in rest.by_ref() {
                    if (before, c) == ('*', '/') {
                        break;
                    }
                    before = c;
                }
            }
            ('"', _) => {
                // Raw texts hold no quote here.
                let is_raw = last == 'r';
                while let Some(c) = rest.next() {
                    match c {
                        '\\' if !is_raw => drop(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            ('\'', Some('"' | '/')) => drop(rest.next()),
            _ => out.push(c),
        }
        last = c;
    }
    out
}

/// The paths that begin with `crate`, `super` or `self`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = matches!(tokens[at].as_str(), "crate" | "super" | "self");
        let inner = at > 0 && tokens[at - 1] == "::";
        if begins && !inner && tokens.get(at + 1).is_some_and(|next| next == "::") {
            at = tree(&tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// One path, or a tree of them, from `at` on; returns where it ends.
fn tree(tokens: &[String], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while let Some(token) = tokens.get(at) {
                    match token.as_str() {
                        "}" => return at + 1,
                        "," => at += 1,
                        _ => at = tree(tokens, at, &path, found),
                    }
                }
                return at;
            }
            Some(name) if is_name(name) => path.push(name.to_owned()),
            _ => break,
        }
        at += 1;
        match tokens.get(at).map(String::as_str) {
            Some("::") => at += 1,
            Some("as") => {
                at += 2;
                break;
            }
            _ => break,
        }
    }
    // A star.
    at += usize::from(tokens.get(at).is_some_and(|token| token == "*") && path.len() > before.len());
    if path.len() > before.len() {
        found.push(path);
        return at;
    }
    at + 1
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_alphanumeric() || c == '_' {
            let mut name = String::from(c);
            while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
                name.push(c);
            }
            out.push(name);
        } else if c == ':' && rest.next_if_eq(&':').is_some() {
            out.push("::".to_owned());
        } else if !c.is_whitespace() {
            out.push(c.to_string());
        }
    }
    out
}

/// The module that a path in `from` names, if it is one of the crate's.
fn resolve(from: &Module, path: &[String], modules: &BTreeSet<&Module>) -> Option<Module> {
    let (first, mut rest) = path.split_first()?;
    let mut to = match first.as_str() {
        "crate" => Vec::new(),
        "super" => from.split_last()?.1.to_vec(),
        _ => from.clone(),
    };
    while rest.first().is_some_and(|name| name == "super") {
        to.pop();
        rest = &rest[1..];
    }
    for name in rest {
        to.push(name.clone());
        if !modules.iter().any(|module| module.starts_with(&to)) {
            // An item of the module.
            to.pop();
            break;
        }
    }
    Some(to)
}

/// Sets of modules that reach each other, in order.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = arrows.get(from).into_iter().flatten().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module) {
                next.extend(arrows.get(module).into_iter().flatten());
            }
        }
        seen
    };
    let all: BTreeMap<&String, BTreeSet<&String>> = arrows.keys().map(|one| (one, reached(one))).collect();
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    for (one, its) in &all {
        let back =
            |other: &&&String| **other != *one && all.get(**other).is_some_and(|its| its.contains(one));
        let mut circle: Vec<String> = its.iter().filter(back).map(|other| (**other).clone()).collect();
        if !circle.is_empty() {
            circle.push((*one).clone());
            circle.sort();
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}
