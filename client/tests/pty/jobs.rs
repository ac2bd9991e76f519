//! Beside a shell and beside tmux: stopped and woken, and copying.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

const CTRL_Z: &str = "\u{1a}";

#[test]
fn program_is_stopped_by_ctrl_z_and_drawn_anew_by_fg() {
    let dir = TempDir::new().unwrap();
    let mut shell = Terminal::start_shell(dir.path(), &[("PS1", "shell$ ")]);
    shell.wait_for("shell$");
    shell.type_text(&format!("{} --name ann", env!("CARGO_BIN_EXE_schat")));
    shell.press(&[ENTER]);
    shell.wait_for("Welcome");
    // Its prompt is the last line: what is typed before is still for the program, or lost.
    let is_back = |screen: &str| screen.trim_end().ends_with("shell$") && !screen.contains("Welcome");
    for _ in 0..2 {
        shell.type_text("half a word");
        shell.wait_for("> half a word");
        shell.press(&[CTRL_Z]);
        shell.wait("the shell", |screen| is_back(screen) && screen.contains("Stopped"));
        // Bracketed paste may be on again: the shell wants it as well.
        assert!(!shell.look(vt100::Screen::alternate_screen));
        shell.type_text("fg");
        shell.press(&[ENTER]);
        shell.wait("all of it", |screen| screen.contains("Welcome") && screen.contains("> half a word"));
        assert!(shell.look(vt100::Screen::alternate_screen));
        shell.press(&["\u{15}"]);
        shell.wait("an empty input", |screen| !screen.contains("half a word"));
    }
    shell.press(&[CTRL_D]);
    shell.wait("the shell", is_back);
    shell.type_text("exit");
    shell.press(&[ENTER]);
    assert_eq!(shell.finish(), 0);
}

#[test]
fn copying_in_tmux_goes_by_tmux_itself() {
    let dir = TempDir::new().unwrap();
    let (program, copied) = (dir.path().join("tmux"), dir.path().join("copied"));
    // Under its last name only when it is whole.
    let script = format!("#!/bin/sh\n{{ echo \"$@\"; cat; }} > {0}.new\nmv {0}.new {0}\n", copied.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let (mut ann, _link) = host(&dir, &[("PATH", &path), ("TMUX", "/tmp/none,1,0")]);
    ann.type_text("to be copied");
    ann.press(&[ENTER]);
    ann.wait("the line", |screen| screen.contains("ann: to be copied") && screen.contains('✓'));
    selects(&mut ann);
    let mark = ann.raw().len();
    ann.press(&["c"]);
    ann.wait_for("Copied");
    assert_eq!(fs::read_to_string(&copied).unwrap(), "load-buffer -w -\nto be copied");
    // Not by the sequence that tmux drops as well.
    assert!(!String::from_utf8_lossy(&ann.raw()[mark..]).contains("\u{1b}]52"));
    ann.press(&[ESCAPE]);
    ann.wait("typing", |screen| !screen.contains("r reply"));
    quits(&mut ann);
}
