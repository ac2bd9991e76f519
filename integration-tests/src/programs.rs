//! Where the programs are. Cargo tells a crate about its own programs only, so they are built once per test
//! process; when they are up to date, that costs a moment.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// A directory with programs to test instead, for example those of a release.
const ELSEWHERE: &str = "SCHAT_PROGRAMS";

/// A command that runs `schat` or `relay`, without the user's own settings.
pub fn program(name: &str) -> Command {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| env::var_os(ELSEWHERE).map_or_else(build, PathBuf::from));
    let mut command = Command::new(directory.join(name).with_extension(env::consts::EXE_EXTENSION));
    for (variable, _) in
        env::vars().filter(|(name, _)| ["SCHAT_", "RELAY_"].iter().any(|own| name.starts_with(own)))
    {
        command.env_remove(variable);
    }
    command
}

/// Builds them in the profile and the target directory that this test was built in.
fn build() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().find(|path| path.ends_with("deps")).and_then(Path::parent).unwrap();
    let name = profile.file_name().unwrap().to_str().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["build", "--quiet", "-p", "client", "-p", "relay", "--bins", "--profile"])
        .arg(if name == "debug" { "dev" } else { name })
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "the programs do not build");
    profile.to_owned()
}
