//! Puts the page for browsers into the program, if it was built before: `web/dist`, or what `SCHAT_WEB_DIST` names. Without
//! it there is no page, and nothing else is missing: who builds a relay needs no tools for the web.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=SCHAT_WEB_DIST");
    // A path that is not there would have the relay built anew each time, so whoever makes the page touches this file.
    println!("cargo:rerun-if-changed=build.rs");
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let page = match env::var_os("SCHAT_WEB_DIST") {
        Some(page) => PathBuf::from(page),
        None => manifest.join("../web/dist"),
    };
    let mut files = Vec::new();
    if page.join("index.html").is_file() {
        println!("cargo:rerun-if-changed={}", page.display());
        collect(&page, "", &mut files)?;
        files.sort();
    }
    let mut code =
        String::from("/// The page's files by their names.\nstatic FILES: &[(&str, &[u8])] = &[\n");
    for (name, path) in files {
        writeln!(code, "    ({name:?}, include_bytes!({:?})),", path.display().to_string())?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("page.rs"), code)?;
    Ok(())
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| "a file of the page has no name in UTF-8")?;
        if name.starts_with('.') {
            continue;
        }
        let (name, path) = (format!("{prefix}{name}"), fs::canonicalize(entry.path())?);
        match entry.file_type()?.is_dir() {
            true => collect(&path, &format!("{name}/"), files)?,
            false => files.push((name, path)),
        }
    }
    Ok(())
}
