//! Misspelt words of what is typed, as a program of the system says: here one that writes down what it is asked.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use super::*;

/// Answers like hunspell: `eigth` is in no dictionary. `begin` comes before anything is read.
fn speller(dir: &Path, begin: &str) {
    named_speller("hunspell", dir, begin);
}

/// The same by another name: aspell's pipe mode is the same.
fn named_speller(name: &str, dir: &Path, begin: &str) {
    let home = dir.display();
    let script = format!(
        "#!/bin/sh\necho $$ > {home}/pid.new; mv {home}/pid.new {home}/pid\necho \"$@\" > {home}/arguments\n{begin}\n\
         echo '@(#) International Ispell Version 3.2.06 (but really not)'\n\
         while read -r line; do\n  printf '%s\\n' \"$line\" >> {home}/asked\n\
           case \"$line\" in ^eigth) echo '& eigth 1 0: eight';; *) echo '*';; esac\n  echo\ndone\n"
    );
    let program = dir.join(name);
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn start(dir: &TempDir, settings: &str) -> Terminal {
    let config = dir.path().join("config.toml");
    fs::write(&config, settings).unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let variables = [("PATH", path.as_str()), ("SCHAT_CONFIG", config.to_str().unwrap())];
    let ann = Terminal::start(dir.path(), &["--name", "ann"], &variables);
    ann.wait_for("Welcome");
    ann
}

const ON: &str = "[spelling]\ncheck = true\n";

/// The underlined part of the input.
fn underlined(terminal: &Terminal) -> String {
    terminal.look(|screen| {
        let (rows, columns) = screen.size();
        let row = rows.get() - 1;
        let cells = (0..columns.get()).filter_map(|column| screen.cell(row, column));
        cells.filter(|cell| cell.underline()).map(|cell| cell.contents().to_owned()).collect()
    })
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
}

fn is_running(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}

#[test]
fn misspelt_word_is_underlined_and_the_program_gets_words_and_no_commands() {
    let dir = TempDir::new().unwrap();
    speller(dir.path(), "");
    let mut ann = start(&dir, &format!("{ON}dictionary = \"en_GB,de_DE\"\n"));
    ann.type_text("see https://a.example/x *soup at eigth! #tag ");
    ann.wait("the underlined word", |_| underlined(&ann) == "eigth");
    // One letter more, and it is another word, which is not finished; behind it, it is.
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    let words: Vec<&str> = asked.lines().collect();
    assert!(words.contains(&"^soup") && words.contains(&"^at") && words.contains(&"^see"), "{words:?}");
    assert!(
        words.iter().all(|line| line.starts_with('^') && line[1..].chars().all(char::is_alphabetic)),
        "{words:?}"
    );
    assert!(!asked.contains("example") && !asked.contains("tag"), "{asked}");
    assert_eq!(fs::read_to_string(dir.path().join("arguments")).unwrap(), "-a -i utf-8 -d en_GB,de_DE\n");
    let pid = fs::read_to_string(dir.path().join("pid")).unwrap();
    assert!(is_running(&pid));
    ann.press(&["\u{3}"]);
    ann.wait("an empty input", |screen| !screen.contains("eigth"));
    quits(&mut ann);
    assert!(!is_running(&pid), "it ends with whoever asks");
}

#[test]
fn program_that_hangs_or_babbles_stops_nobody() {
    for begin in ["exec sleep 1000", "yes", "exit 1", "printf '%070000d' 0"] {
        let dir = TempDir::new().unwrap();
        speller(dir.path(), begin);
        let mut ann = start(&dir, ON);
        ann.type_text("soup at eigth now ");
        ann.wait_for("> soup at eigth now");
        wait_until("it was started", || dir.path().join("pid").exists());
        let pid = fs::read_to_string(dir.path().join("pid")).unwrap();
        ann.type_text("and on");
        ann.wait_for("> soup at eigth now and on");
        assert_eq!(underlined(&ann), "", "{begin}");
        ann.press(&["\u{3}"]);
        ann.wait("an empty input", |screen| !screen.contains("eigth"));
        quits(&mut ann);
        assert!(!is_running(&pid), "{begin}");
    }
}

#[test]
fn nothing_is_started_that_nobody_wanted_and_a_missing_program_is_no_error() {
    let dir = TempDir::new().unwrap();
    speller(dir.path(), "");
    let mut ann = start(&dir, "");
    ann.type_text("soup at eigth now ");
    ann.wait_for("> soup at eigth now");
    ann.press(&["\u{3}"]);
    ann.wait("an empty input", |screen| !screen.contains("eigth"));
    quits(&mut ann);
    assert!(!dir.path().join("pid").exists());

    fs::remove_file(dir.path().join("hunspell")).unwrap();
    let config = dir.path().join("config.toml");
    fs::write(&config, ON).unwrap();
    let variables = [("PATH", "/nowhere"), ("SCHAT_CONFIG", config.to_str().unwrap())];
    let mut ann = Terminal::start(dir.path(), &["--name", "ann"], &variables);
    ann.wait_for("Welcome");
    ann.type_text("soup at eigth now ");
    let screen = ann.wait_for("> soup at eigth now");
    assert!(!screen.contains("hunspell") && underlined(&ann).is_empty(), "{screen}");
    ann.press(&["\u{3}"]);
    ann.wait("an empty input", |screen| !screen.contains("eigth"));
    quits(&mut ann);
}

/// The environment with `dir` alone for its programs, and what scripts need.
fn start_alone(dir: &TempDir, programs: &[&str]) -> Terminal {
    for program in programs {
        let place = ["/usr/bin", "/bin"].map(|bin| Path::new(bin).join(program));
        let place = place.into_iter().find(|place| place.exists()).unwrap();
        std::os::unix::fs::symlink(place, dir.path().join(program)).unwrap();
    }
    let config = dir.path().join("config.toml");
    fs::write(&config, format!("{ON}dictionary = \"en\"\n")).unwrap();
    let variables = [("PATH", dir.path().to_str().unwrap()), ("SCHAT_CONFIG", config.to_str().unwrap())];
    let ann = Terminal::start(dir.path(), &["--name", "ann"], &variables);
    ann.wait_for("Welcome");
    ann
}

#[test]
fn aspell_is_asked_where_there_is_no_hunspell() {
    let dir = TempDir::new().unwrap();
    named_speller("aspell", dir.path(), "");
    let mut ann = start_alone(&dir, &["mv", "sh"]);
    ann.type_text("soup at eigth! ");
    ann.wait("the underlined word", |_| underlined(&ann) == "eigth");
    assert_eq!(fs::read_to_string(dir.path().join("arguments")).unwrap(), "-a --encoding=utf-8 -d en\n");
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    assert!(asked.lines().all(|line| line.starts_with('^')), "{asked}");
    ann.press(&["\u{3}"]);
    ann.wait("an empty input", |screen| !screen.contains("eigth"));
    quits(&mut ann);
}

/// The real ones, where the system has them with a dictionary of English.
#[test]
fn programs_of_this_system_know_a_word_from_none() {
    for (program, has) in [("aspell", &["-d", "en"][..]), ("hunspell", &["-d", "en_US"])] {
        let probe = std::process::Command::new(program)
            .args(["-a"])
            .args(has)
            .stdin(std::process::Stdio::null())
            .output();
        if !probe.is_ok_and(|probe| probe.status.success()) {
            eprintln!("skipped: no {program} with a dictionary here");
            continue;
        }
        let dir = TempDir::new().unwrap();
        let config = dir.path().join("config.toml");
        let mut ann = start_alone(&dir, &[program]);
        drop(ann);
        fs::write(&config, format!("{ON}dictionary = \"{}\"\n", has[1])).unwrap();
        let variables = [("PATH", dir.path().to_str().unwrap()), ("SCHAT_CONFIG", config.to_str().unwrap())];
        ann = Terminal::start(dir.path(), &["--name", "ann"], &variables);
        ann.wait_for("Welcome");
        ann.type_text("It isn't soup at eigth, don’t you? ");
        ann.wait("the underlined word", |_| underlined(&ann) == "eigth");
        ann.press(&["\u{3}"]);
        ann.wait("an empty input", |screen| !screen.contains("eigth"));
        quits(&mut ann);
    }
}
