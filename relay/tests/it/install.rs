//! `relay install` and `relay uninstall`, into a directory that stands for a system.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

const SERVICE: &str = "etc/systemd/system/schat-relay.service";
const CONFIG: &str = "etc/schat-relay/relay.toml";

fn relay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    // Not the settings of whoever runs the tests.
    command.env("RELAY_CONFIG", "/dev/null");
    command
}

struct System(TempDir);

impl System {
    /// A system with an `/etc` and some data of a relay. None, said aloud, where there is no systemd to install for.
    fn new() -> Option<Self> {
        for program in ["systemctl", "systemd-sysusers"] {
            if Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err() {
                eprintln!("SKIPPED: {program} is not on this machine");
                return None;
            }
        }
        let system = Self(TempDir::new().unwrap());
        fs::create_dir_all(system.path("etc")).unwrap();
        fs::create_dir_all(system.path("var/lib/schat-relay")).unwrap();
        fs::write(system.path("var/lib/schat-relay/relay.redb"), "rooms").unwrap();
        Some(system)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        relay().args(arguments).arg("--root").arg(self.0.path()).stdin(Stdio::null()).output().unwrap()
    }

    fn done(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{output:?}");
    }

    fn refused(&self, arguments: &[&str], why: &str) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(why), "{said}");
    }

    /// Every file, but for data.
    fn files(&self) -> Vec<PathBuf> {
        fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.symlink_metadata().unwrap().is_dir() {
                    true => walk(&path, files),
                    false => files.push(path),
                }
            }
        }
        let mut files = Vec::new();
        walk(self.0.path(), &mut files);
        files.retain(|path| !path.ends_with("relay.redb"));
        files.sort();
        files
    }
}

#[test]
fn installed_service_without_program_user_or_settings_is_found() {
    let Some(system) = System::new() else { return };
    system.done(&["--keep-days", "7", "--host", "chat.example.org", "install", "--yes"]);
    let program = fs::read(env!("CARGO_BIN_EXE_relay")).unwrap();
    assert!(fs::read(system.path("usr/local/bin/relay")).unwrap() == program);
    assert!(
        system.read(SERVICE).contains("ExecStart=/usr/local/bin/relay --config /etc/schat-relay/relay.toml")
    );
    assert!(system.read("etc/passwd").contains("schat-relay:x:"));
    let wanted = system.path("etc/systemd/system/multi-user.target.wants/schat-relay.service");
    assert!(wanted.symlink_metadata().unwrap().is_symlink());
    let page = system.read("usr/local/share/man/man1/relay-status.1");
    assert!(
        page.starts_with(".TH \"RELAY-STATUS\"") && page.lines().last().unwrap().starts_with(".\\\""),
        "{page}"
    );
    // The settings are those of the command line, and the program takes its own file.
    let shown = relay().arg("config").arg("--config").arg(system.path(CONFIG)).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for line in ["keep-days = 7", "host = \"chat.example.org\"", "data-dir = \"/var/lib/schat-relay\""] {
        assert!(shown.lines().any(|shown| shown.starts_with(line)), "{line} is not in\n{shown}");
    }
}

#[test]
fn changed_file_is_not_overwritten_and_not_removed() {
    let Some(system) = System::new() else { return };
    system.done(&["install", "--yes"]);
    let mode = fs::metadata(system.path(CONFIG)).unwrap().permissions().mode() & 0o777;
    if rustix::process::geteuid().is_root() {
        assert_eq!(mode, 0o640, "a secret may stand in it");
    }
    let again = String::from_utf8(system.run(&["install", "--dry-run"]).stdout).unwrap();
    assert!(!again.contains("copy ") && !again.contains("write ") && !again.contains("restart"), "{again}");
    fs::write(system.path(CONFIG), "rate = 7\n").unwrap();
    // Twice is an upgrade, and settings are never touched.
    system.done(&["install", "--yes"]);
    assert_eq!(system.read(CONFIG), "rate = 7\n");
    let changed = system.read(SERVICE).replace("WatchdogSec=60s", "WatchdogSec=9s");
    fs::write(system.path(SERVICE), &changed).unwrap();
    system.refused(&["install", "--yes"], "was changed since");
    system.refused(&["uninstall", "--yes"], "was changed since");
    assert_eq!(system.read(SERVICE), changed);
}

#[test]
fn manual_page_of_somebody_else_is_left_alone() {
    let Some(system) = System::new() else { return };
    let (theirs, ours) = ("usr/local/share/man/man1/relay.1", "usr/local/share/man/man1/relay-doctor.1");
    fs::create_dir_all(system.path(theirs).parent().unwrap()).unwrap();
    fs::write(system.path(theirs), "another relay").unwrap();
    system.done(&["install", "--yes"]);
    assert!(system.read(ours).contains("doctor"));
    system.done(&["uninstall", "--yes"]);
    assert_eq!(system.read(theirs), "another relay");
    assert!(!system.path(ours).exists());
}

#[test]
fn another_program_of_that_name_or_a_package_is_left_alone() {
    let Some(system) = System::new() else { return };
    fs::create_dir_all(system.path("usr/local/bin")).unwrap();
    fs::write(system.path("usr/local/bin/relay"), "somebody's").unwrap();
    system.refused(&["install", "--yes"], "another program");
    assert_eq!(system.read("usr/local/bin/relay"), "somebody's");
    let packaged = system.path("usr/lib/systemd/system/schat-relay.service");
    fs::create_dir_all(packaged.parent().unwrap()).unwrap();
    fs::write(packaged, "").unwrap();
    system.refused(&["install", "--yes"], "package");
    system.refused(&["uninstall", "--yes"], "package");
}

#[test]
fn uninstall_leaves_data_and_settings_and_purge_does_not() {
    let Some(system) = System::new() else { return };
    system.refused(&["uninstall", "--yes"], "installed nothing");
    system.done(&["install", "--yes"]);
    system.done(&["uninstall", "--yes"]);
    let left: Vec<_> =
        system.files().into_iter().filter(|path| !path.starts_with(system.path("etc"))).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!system.path(SERVICE).exists());
    assert!(system.path(CONFIG).exists() && system.path("var/lib/schat-relay/relay.redb").exists());
    system.done(&["install", "--yes"]);
    system.done(&["uninstall", "--yes", "--purge"]);
    assert!(!system.path("etc/schat-relay").exists() && !system.path("var/lib/schat-relay").exists());
    assert!(!system.read("etc/passwd").contains("schat-relay"));
}

#[test]
fn dry_run_or_nobody_to_ask_changes_nothing() {
    let Some(system) = System::new() else { return };
    let output = system.run(&["install", "--dry-run"]);
    let said = String::from_utf8(output.stdout).unwrap();
    for part in
        ["copy ", SERVICE, "| ProtectSystem=strict", CONFIG, "systemd-sysusers", "enable schat-relay.service"]
    {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    system.refused(&["install"], "nobody is there to ask");
    assert!(system.files().is_empty(), "{:?}", system.files());
}

#[test]
fn data_elsewhere_is_refused_because_the_unit_would_not_let_it() {
    let Some(system) = System::new() else { return };
    system.refused(&["--data-dir", "/srv/relay", "install", "--yes"], "/var/lib/schat-relay");
}
