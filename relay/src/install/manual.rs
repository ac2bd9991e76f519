//! Manual pages. A page of that name that is somebody else's is left alone: it is not worth refusing for.

use std::{fs, io, path::PathBuf};

use super::{
    InstallRoot, PlanError,
    layout::MANUAL,
    seal::{self, Comment},
    step::Step,
};

/// What it takes to write those that are not there yet as they are now.
pub(super) fn write(place: &InstallRoot, pages: Vec<(String, String)>) -> Result<Option<Step>, PlanError> {
    let mut due = Vec::new();
    for (name, text) in pages {
        let text = seal::seal(&text, Comment::Roff);
        let is_due = match place.read(&format!("{MANUAL}/{name}"))? {
            Some(there) => seal::is_whole(&there) && there != text.as_bytes(),
            None => true,
        };
        if is_due {
            due.push((name, text));
        }
    }
    Ok((!due.is_empty()).then(|| Step::WritePages { directory: place.path(MANUAL), pages: due }))
}

/// What it takes to remove all that were written, by whichever version.
pub(super) fn remove(place: &InstallRoot) -> Result<Option<Step>, PlanError> {
    let directory = place.path(MANUAL);
    let failed = |path: PathBuf| move |source| PlanError::Read { path, source };
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(directory)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed(directory.clone()))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_page = name.starts_with("relay") && name.ends_with(".1");
        if is_page && place.holds_ours(&format!("{MANUAL}/{name}"))? {
            names.push(name);
        }
    }
    names.sort();
    Ok((!names.is_empty()).then_some(Step::RemovePages { directory, names }))
}
