//! A link of a message in the browser: after a yes, and as it was shown.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

#[test]
fn link_is_given_to_the_browser_after_a_yes_and_to_no_shell() {
    let dir = TempDir::new().unwrap();
    let (program, opened) = (dir.path().join("xdg-open"), dir.path().join("opened"));
    // Under its last name only when it is whole.
    let script =
        format!("#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > {0}.new\nmv {0}.new {0}\n", opened.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let (mut ann, _link) = host(&dir, &[("PATH", &path)]);
    ann.type_text("see https://a.example/x;y?q=$(touch)&z");
    ann.press(&[ENTER]);
    ann.wait("the line", |screen| screen.contains("see https") && screen.contains('✓'));
    selects(&mut ann);
    ann.press(&["o"]);
    ann.wait_for("goes to a.example");
    ann.press(&["n"]);
    ann.wait_for("r reply");
    assert!(!opened.exists());
    ann.press(&["o"]);
    ann.wait_for("goes to a.example");
    ann.press(&["y"]);
    ann.wait_for("given to the browser");
    let started = std::time::Instant::now();
    while !opened.exists() {
        assert!(started.elapsed().as_secs() < 60, "nothing was opened");
        std::thread::yield_now();
    }
    assert_eq!(fs::read_to_string(&opened).unwrap(), "1\nhttps://a.example/x;y?q=$(touch)&z\n");
    ann.press(&[ESCAPE]);
    ann.wait("typing", |screen| !screen.contains("r reply"));
    quits(&mut ann);
}
