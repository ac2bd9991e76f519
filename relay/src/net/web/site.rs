//! The files of the page, in memory: a request finds one by its whole name or not at all, so no path leads out.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use hyper::header::HeaderValue;

/// The page itself.
pub(crate) const INDEX: &str = "index.html";

/// Names below this have the hash of what is in them in their names.
const FOR_EVER: &str = "assets/";

/// How a file is called that is another one, compressed by brotli (RFC 7932).
const COMPRESSED: &str = ".br";

/// Files of a page; a build has a few dozen.
const MAX_FILES: usize = 1000;

/// Bytes of them all. They are held in memory; a build has two MiB.
const MAX_BYTES: u64 = 64 << 20;

/// Folders in folders.
const MAX_DEPTH: usize = 8;

/// What a browser is to take a file for, by the end of its name.
const KINDS: [(&str, &str); 14] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json"),
    ("webmanifest", "application/manifest+json"),
    ("wasm", "application/wasm"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("txt", "text/plain; charset=utf-8"),
    ("map", "application/json"),
];

/// Of any other.
const UNKNOWN_KIND: &str = "application/octet-stream";

/// A directory that is no page.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// It cannot be read.
    #[error("the page's files in {} cannot be read: {source}; give a directory with a build of the page to --web-dir", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no page in it.
    #[error("there is no {INDEX} in {}; give a directory with a build of the page to --web-dir", path.display())]
    NoIndex {
        /// The directory.
        path: PathBuf,
    },
    /// Whatever it is, it is more than a page.
    #[error("{} holds more than a page: over {MAX_FILES} files, or over 64 MiB; give a directory with nothing but a build of the page to --web-dir", path.display())]
    TooMuch {
        /// The directory.
        path: PathBuf,
    },
}

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// What is in it.
    pub(crate) bytes: Bytes,
    /// The same, compressed.
    pub(crate) brotli: Option<Bytes>,
    /// What a browser is to take it for.
    pub(crate) kind: &'static str,
    /// The hash of what is in it (RFC 9110, 8.8.3).
    pub(crate) tag: HeaderValue,
    /// It never changes under this name.
    pub(crate) is_for_ever: bool,
}

/// The files by their names.
#[derive(Clone, Debug)]
pub(crate) struct Site(BTreeMap<String, File>);

impl Site {
    /// Of these files; `None` if there is no page among them.
    pub(crate) fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Option<Self> {
        let mut files: BTreeMap<String, Bytes> = files.into_iter().collect();
        let names: Vec<String> = files.keys().filter(|name| !name.ends_with(COMPRESSED)).cloned().collect();
        let site: BTreeMap<String, File> = names
            .into_iter()
            .filter_map(|name| {
                let (bytes, brotli) = (files.remove(&name)?, files.remove(&format!("{name}{COMPRESSED}")));
                let file = File::new(&name, bytes, brotli)?;
                Some((name, file))
            })
            .collect();
        site.contains_key(INDEX).then_some(Self(site))
    }

    /// Of a directory. Links in it lead nowhere, and names with a dot before them are left out.
    ///
    /// # Errors
    /// [`SiteError`] with the remedy.
    pub(crate) fn read(directory: &Path) -> Result<Self, SiteError> {
        let too_much = || SiteError::TooMuch { path: directory.to_owned() };
        let (mut files, mut left) = (Vec::new(), MAX_BYTES);
        let mut folders = vec![(directory.to_owned(), String::new(), 0)];
        while let Some((folder, prefix, depth)) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(|source| SiteError::io(&folder, source))? {
                let entry = entry.map_err(|source| SiteError::io(&folder, source))?;
                let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else {
                    continue;
                };
                let (path, is_hidden) =
                    (entry.path(), entry.file_name().as_encoded_bytes().starts_with(b"."));
                let kind = entry.file_type().map_err(|source| SiteError::io(&path, source))?;
                if is_hidden {
                    continue;
                }
                if kind.is_dir() && depth < MAX_DEPTH && folders.len() < MAX_FILES {
                    folders.push((path, format!("{name}/"), depth + 1));
                } else if kind.is_file() {
                    let length = entry.metadata().map_err(|source| SiteError::io(&path, source))?.len();
                    left = left.checked_sub(length).ok_or_else(too_much)?;
                    let bytes = fs::read(&path).map_err(|source| SiteError::io(&path, source))?;
                    files.push((name, bytes.into()));
                }
                if files.len() > MAX_FILES {
                    return Err(too_much());
                }
            }
        }
        Self::new(files).ok_or_else(|| SiteError::NoIndex { path: directory.to_owned() })
    }

    /// What a request for this path asks for.
    pub(crate) fn find(&self, path: &str) -> Option<&File> {
        match path.strip_prefix('/')? {
            "" => self.0.get(INDEX),
            name => self.0.get(name),
        }
    }
}

impl SiteError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl File {
    fn new(name: &str, bytes: Bytes, brotli: Option<Bytes>) -> Option<Self> {
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        let kind = KINDS.iter().find(|(known, _)| *known == end).map_or(UNKNOWN_KIND, |(_, kind)| *kind);
        let hash = digest(&SHA256, &bytes);
        let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let tag = HeaderValue::from_str(&format!("W/\"{hex}\"")).ok()?;
        Some(Self { bytes, brotli, kind, tag, is_for_ever: name.starts_with(FOR_EVER) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let file = |name: &str, bytes: &'static str| (name.to_owned(), Bytes::from(bytes));
        Site::new([
            file("index.html", "<html>"),
            file("assets/app-1a2b3c4d.js", "let a"),
            file("assets/app-1a2b3c4d.js.br", "let a, compressed"),
            file("sw.js", "self"),
            file("orphan.css.br", "nothing beside it"),
        ])
        .unwrap()
    }

    #[test]
    fn a_file_is_found_by_its_whole_name_or_not_at_all() {
        let site = site();
        assert_eq!(site.find("/").unwrap().bytes, "<html>");
        assert_eq!(site.find("/index.html").unwrap().kind, "text/html; charset=utf-8");
        let script = site.find("/assets/app-1a2b3c4d.js").unwrap();
        assert!(script.is_for_ever && script.brotli.as_deref() == Some(b"let a, compressed"));
        assert!(!site.find("/sw.js").unwrap().is_for_ever);
        for path in [
            "",
            "index.html",
            "//",
            "//index.html",
            "/./index.html",
            "/assets/../index.html",
            "/%69ndex.html",
            "/assets",
            "/assets/",
            "/assets/app-1a2b3c4d.js.br",
            "/orphan.css",
            "/INDEX.HTML",
        ] {
            assert!(site.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn links_hidden_files_and_what_is_beside_the_directory_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let page = dir.path().join("page");
        fs::create_dir_all(page.join("assets/deep")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        assert!(matches!(Site::read(&page), Err(SiteError::NoIndex { .. })));
        for name in ["index.html", "assets/a.js", "assets/deep/b.css", ".env"] {
            fs::write(page.join(name), name).unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret"), page.join("link")).unwrap();
            std::os::unix::fs::symlink(dir.path(), page.join("folder")).unwrap();
        }
        let site = Site::read(&page).unwrap();
        let names: Vec<_> = site.0.keys().map(String::as_str).collect();
        assert_eq!(names, ["assets/a.js", "assets/deep/b.css", "index.html"]);
        assert!(matches!(Site::read(&page.join("none")), Err(SiteError::Io { .. })));
    }

    #[test]
    fn a_directory_that_holds_more_than_a_page_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..=MAX_FILES {
            fs::write(dir.path().join(format!("{number}")), "").unwrap();
        }
        assert!(matches!(Site::read(dir.path()), Err(SiteError::TooMuch { .. })));
        let dir = tempfile::tempdir().unwrap();
        fs::File::create(dir.path().join("film")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(matches!(Site::read(dir.path()), Err(SiteError::TooMuch { .. })));
    }
}
