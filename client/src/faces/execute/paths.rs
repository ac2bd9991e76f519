//! Paths as people type them, shells quote them and windows drop them.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Most files of one line: what a hand drops, and not what a folder has.
pub(crate) const MOST: usize = 100;

/// The path that a window writes as `file://…`, where letters may stand as numbers.
pub(crate) fn of_url(text: &str) -> Option<PathBuf> {
    text.starts_with("file://").then(|| url::Url::parse(text).ok()?.to_file_path().ok()).flatten()
}

/// One path, however it was written, from the root.
pub(crate) fn one(text: &str) -> Result<PathBuf, Failure> {
    let text = text.trim();
    let within = |mark: char| text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
    let text = within('"').or_else(|| within('\'')).unwrap_or(text);
    let from_url = of_url(text);
    let text = from_url.as_deref().and_then(Path::to_str).unwrap_or(text);
    let path = match from_home(text) {
        Some(path) => path,
        None if Path::new(text).exists() => PathBuf::from(text),
        // As terminals write what is dropped into them.
        None => PathBuf::from(text.replace("\\ ", " ")),
    };
    from_root(&path)
}

/// The files of a command. A text that is the path of a file, with all its spaces, is that one; one whose words are files is those.
pub(crate) fn all(text: &str) -> Result<Vec<PathBuf>, Failure> {
    let whole = one(text)?;
    let several = words(text).filter(|words| words.len() > 1 && !whole.exists());
    let Some(several) = several else { return Ok(vec![whole]) };
    if several.len() > MOST {
        let message = format!("These are more than {MOST} files.");
        return Err(Failure::usage(message, "Send them by `schat file send`, or as one archive."));
    }
    let several = several.iter().map(|word| one(word)).collect::<Result<Vec<_>, _>>()?;
    if !several.iter().any(|path| path.exists()) {
        // Then it is one that is not there.
        return Ok(vec![whole]);
    }
    for path in &several {
        if !path.is_file() {
            let message = format!("{} is no file. Nothing was sent.", path.display());
            return Err(Failure::not_found(message, "Leave it out, or look at how it is written."));
        }
    }
    Ok(several)
}

/// What was pasted, if it is nothing but paths of files from the root: one on each line, or as a shell has them.
pub(crate) fn pasted(text: &str) -> Option<Vec<PathBuf>> {
    let lines = text.trim().split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    let by_line: Option<Vec<PathBuf>> = lines.take(MOST + 1).map(file).collect();
    let found = match by_line {
        Some(found) => found,
        None => words(text)?.iter().map(|word| file(word)).collect::<Option<_>>()?,
    };
    (1..=MOST).contains(&found.len()).then_some(found)
}

fn file(text: &str) -> Option<PathBuf> {
    let is_from_root = |text: &str| text.starts_with("file://") || Path::new(text).is_absolute();
    let bare = text.trim_start_matches(['"', '\'']);
    let path = if is_from_root(bare) && !text.chars().any(char::is_control) {
        one(text).ok()?
    } else {
        return None;
    };
    path.is_file().then_some(path)
}

/// A path as [`all`] reads it beside others.
pub(crate) fn written(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,@%=:~".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The words of a text as a shell reads them. None where a quotation does not end.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut mark) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (mark, c) {
            (Some(open), c) if c == open => mark = None,
            (Some('"') | None, '\\') if !cfg!(windows) => word.get_or_insert_default().push(chars.next()?),
            (None, '"' | '\'') => {
                mark = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    mark.is_none().then_some(words)
}

fn from_home(text: &str) -> Option<PathBuf> {
    let rest = text.strip_prefix("~/")?;
    relay::home::own_dir().map(|home| home.join(rest))
}

fn from_root(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::usage(format!("That is no path: {error}."), "Write /file and where the file is.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, read) in [
            ("a b", Some(vec!["a", "b"])),
            (r"a\ b c", Some(vec!["a b", "c"])),
            (r#"'a b' "c d""#, Some(vec!["a b", "c d"])),
            (r"'it'\''s' x", Some(vec!["it's", "x"])),
            ("''", Some(vec![""])),
            ("", Some(vec![])),
            ("'a b", None),
            ("a\\", None),
        ] {
            let read = read.map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(words(text), read, "{text}");
        }
    }

    #[test]
    fn several_files_are_all_of_them_and_one_that_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let [one, two, gone] = ["my cat.jpg", "it's.txt", "none"].map(|name| dir.path().join(name));
        std::fs::write(&one, b"x").unwrap();
        std::fs::write(&two, b"y").unwrap();
        let both = format!("{} {}", written(&one), written(&two));
        assert_eq!(all(&both).unwrap(), [one.clone(), two.clone()]);
        // A path with spaces needs no marks where it is alone.
        assert_eq!(all(one.to_str().unwrap()).unwrap(), std::slice::from_ref(&one));
        assert_eq!(all(two.to_str().unwrap()).unwrap(), std::slice::from_ref(&two));
        let failure = all(&format!("{both} {}", written(&gone))).unwrap_err();
        assert!(failure.message.contains("none is no file. Nothing was sent."), "{}", failure.message);
        let failure = all(&format!("{} {}", written(&one), written(dir.path()))).unwrap_err();
        assert_eq!(failure.code, "not_found");
        // Nothing of it is there: one file, whose name somebody got wrong.
        assert_eq!(all(&format!("{} b", gone.display())).unwrap(), [dir.path().join("none b")]);
        let many = vec![written(&one); MOST + 1].join(" ");
        assert_eq!(all(&many).unwrap_err().code, "usage");
    }
}
