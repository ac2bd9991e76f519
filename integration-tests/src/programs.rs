//! Where the programs are. Cargo builds a crate's own programs only before it runs its tests, so this crate has both
//! as its own, from the same sources, under other names.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::OnceLock,
};

/// A directory with programs to test instead, for example those of a release.
const ELSEWHERE: &str = "SCHAT_PROGRAMS";

/// A command that runs `schat` or `relay`, without the user's own settings.
pub fn program(name: &str) -> Command {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory =
        DIRECTORY.get_or_init(|| env::var_os(ELSEWHERE).map_or_else(beside_this_test, PathBuf::from));
    let mut command = Command::new(directory.join(name).with_extension(env::consts::EXE_EXTENSION));
    for (variable, _) in
        env::vars().filter(|(name, _)| ["SCHAT_", "RELAY_"].iter().any(|own| name.starts_with(own)))
    {
        command.env_remove(variable);
    }
    command
}

/// The programs that cargo has built beside this test, under their own names.
fn beside_this_test() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().find(|path| path.ends_with("deps")).and_then(Path::parent).unwrap();
    let directory = profile.join("under-test");
    fs::create_dir_all(&directory).unwrap();
    for name in ["schat", "relay"] {
        let built = profile.join(format!("{name}-under-test")).with_extension(env::consts::EXE_EXTENSION);
        let named = directory.join(name).with_extension(env::consts::EXE_EXTENSION);
        replace(&built, &named);
    }
    directory
}

/// Other tests may do the same at the same time, or run the program that is replaced.
fn replace(built: &Path, named: &Path) {
    let new = named.with_extension(format!("{}.new", process::id()));
    // Of a test that was killed: copying into it would empty the program that it is another name of.
    let _ = fs::remove_file(&new);
    if fs::hard_link(built, &new).is_err() {
        fs::copy(built, &new).unwrap_or_else(|error| {
            panic!("{} is not there ({error}): run this by cargo test, or set {ELSEWHERE}", built.display())
        });
    }
    fs::rename(&new, named).unwrap();
    // Where both are one file already, renaming does nothing and leaves the new name.
    let _ = fs::remove_file(&new);
}
