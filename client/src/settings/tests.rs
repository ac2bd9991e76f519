use std::path::Path;

use super::{read::parse, *};
use crate::faces::words::settings::{example, shown as toml};

const PATH: &str = "/home/ann/config.toml";

fn read(text: &str) -> Result<Settings, SettingsError> {
    parse(Path::new(PATH), text)
}

/// What a person is told, cause and remedy.
fn told(text: &str) -> String {
    let failure = crate::failure::Failure::from(read(text).unwrap_err());
    assert_eq!(failure.exit, crate::failure::Exit::Usage, "{text}");
    format!("{} {}", failure.message, failure.remedy)
}

#[test]
fn each_section_is_read_and_knows_its_line() {
    let settings = read(
        "# mine\n[screen]\nmouse = false\ntheme = \"light\"\nmembers = false\ntimes = \"12h\"\n\
         [theme]\nsenders = [1, \"red\", \"#010203\", 4, 5, 6, 255]\nmention = \"bright-red\"\n\
         [keys]\nvim = true\nswitcher = \"ctrl+k\"\n\"next-activity\" = [\"alt+a\", \"ctrl+n\"]\nquit = []\n\
         [notify]\nbell = false\nosc = \"777\"\ndesktop = false\nmentions_only = true\n\
         [spelling]\ncheck = true\ndictionary = \"en_GB,de_DE\"\n\
         [privacy]\ntyping = false\nseen = true\n[history]\nlines = 5_000\n\
         [lock]\npassphrase_command = [\"pass\", \"show\", \"a b\"]\n",
    )
    .unwrap();
    let screen = Screen {
        mouse: false,
        theme: ThemeName::Light,
        members: false,
        times: Times::Hours12,
        pictures: Pictures::Auto,
    };
    assert_eq!(settings.screen, screen);
    let pictures = read("[screen]\npictures = \"blocks\"").unwrap().screen.pictures;
    assert_eq!(pictures, Pictures::Blocks);
    assert!(told("[screen]\npictures = \"yes\"").contains("screen.pictures"));
    let senders = settings.theme.senders.unwrap();
    assert_eq!(senders.0[..3], [Colour::Indexed(1), Colour::Indexed(1), Colour::Rgb(1, 2, 3)]);
    assert_eq!((settings.theme.mention, settings.theme.quiet), (Some(Colour::Indexed(9)), None));
    assert!(settings.keys.vim);
    let keys: Vec<_> =
        settings.keys.actions.iter().map(|(action, keys)| (action.as_str(), keys.len())).collect();
    assert_eq!(keys, [("next-activity", 2), ("quit", 0), ("switcher", 1)]);
    let notify =
        Notify { bell: false, osc: Osc::SevenSevenSeven, desktop: false, mentions_only: true, text: false };
    assert_eq!(settings.notify, notify);
    let dictionary = settings.spelling.dictionary.as_ref().map(Dictionary::as_str);
    assert_eq!((settings.spelling.check, dictionary), (true, Some("en_GB,de_DE")));
    // Not an option of the program, and not a file of somebody else's.
    for bad in ["-p", "", "en_GB,", "../x", "a b", "/etc/passwd", "en\\n"] {
        let told = told(&format!("[spelling]\ndictionary = \"{bad}\""));
        assert!(told.contains("spelling.dictionary") && told.contains(":2"), "{bad}: {told}");
    }
    assert_eq!(settings.privacy, Privacy { typing: false, seen: true });
    assert_eq!(settings.history.lines.get(), 5_000);
    let program = settings.lock.passphrase_command.as_ref().unwrap();
    assert_eq!(
        (program.name.as_str(), program.arguments.as_slice()),
        ("pass", ["show".into(), "a b".into()].as_slice())
    );
    for bad in ["[]", "[\"\"]", "\"pass show\"", "[1]"] {
        let told = told(&format!("[lock]\npassphrase_command = {bad}"));
        assert!(told.contains("lock.passphrase_command") && told.contains(":2"), "{told}");
    }
    assert_eq!(settings.source.origin("screen.mouse"), Origin::File(Path::new(PATH), 3));
    assert_eq!(settings.source.origin("keys.switcher").to_string(), format!("{PATH}:12"));
    assert_eq!(settings.source.origin("theme.quiet"), Origin::Default);
}

#[test]
fn empty_file_is_all_defaults() {
    let settings = read("").unwrap();
    assert_eq!(Settings { source: Source::default(), ..settings }, Settings::default());
}

#[test]
fn misspelled_setting_is_refused_with_its_line_and_the_nearest() {
    for (text, line, nearest) in [
        ("\n[screen]\nmuose = true", 3, "`screen.mouse`"),
        ("[screen]\nMouse = true", 2, "`screen.mouse`"),
        ("[privacy]\ntyping = true\nsen = true", 3, "`privacy.seen`"),
        ("[notify]\nmentions-only = true", 2, "`notify.mentions_only`"),
        ("[scren]\nmouse = true", 1, "`[screen]`"),
        ("mouse = true", 1, "`screen.mouse`"),
        ("[screen]\nbell = true", 2, "`notify.bell`"),
        ("screen.moues = true", 1, "`screen.mouse`"),
    ] {
        let told = told(text);
        assert!(told.starts_with(&format!("{PATH}:{line}: there is no setting")), "{told}");
        assert!(told.contains(&format!("Did you mean {nearest}?")), "{told}");
    }
    assert!(!told("[screen]\nxyzzy = 1").contains("Did you mean"));
}

#[test]
fn value_of_the_wrong_kind_is_refused_with_its_line() {
    for (text, line, part) in [
        ("[screen]\nmouse = \"yes\"", 2, "`screen.mouse`: invalid type: string \"yes\", expected a boolean"),
        ("[screen]\ntheme = \"drak\"", 2, "expected one of `auto`, `dark`, `light`, `plain`"),
        ("[screen]\n\ntimes = 24", 3, "`screen.times`"),
        ("[theme]\nmention = \"rad\"", 2, "`rad` is no colour"),
        ("[theme]\nalarm = true", 2, "expected the name of a colour, a number"),
        ("[files]\ndownloads = \"here\"", 2, "must be a directory from the root"),
        ("[theme]\nalarm = 256", 2, "`256` is no colour"),
        ("[theme]\nsenders = [1, 2]", 2, "array of 7 colours"),
        ("[theme]\nsenders = [1, 2, 3, 4, 5, 6, 7, 8]", 2, "`theme.senders`"),
        ("[keys]\nswitcher = 5", 2, "`keys.switcher`: must be a key"),
        ("[keys]\nswitcher = [\"a\", 5]", 2, "must be a key"),
        ("[keys]\nvim = \"on\"", 2, "`keys.vim`"),
        ("[notify]\nosc = 9", 2, "`notify.osc`"),
        ("[history]\nlines = 99", 2, "must be from 100 to 1000000"),
        ("[history]\nlines = -1", 2, "`history.lines`"),
        ("[history]\nlines = 10000000", 2, "must be from 100 to 1000000"),
        ("screen = true", 1, "it is a section"),
        ("[[screen]]\nmouse = true", 1, "it is a section"),
    ] {
        let told = told(text);
        assert!(told.starts_with(&format!("{PATH}:{line}: ")) && told.contains(part), "{told}");
    }
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_line() {
    for (text, line) in
        [("[screen\n", 1), ("[screen]\nmouse = \n", 2), ("[screen]\nmouse = true\nmouse = false", 3)]
    {
        let told = told(text);
        assert!(told.starts_with(&format!("{PATH}:{line}: this is not TOML")), "{told}");
    }
}

#[test]
fn example_that_says_anything_by_itself_is_found() {
    let settings = read(&example()).unwrap();
    assert_eq!(settings.source.lines.len(), 0);
    assert!(example().lines().all(|line| line.chars().count() <= 100), "{}", example());
}

#[test]
fn setting_in_the_example_that_the_reader_does_not_take_is_found() {
    let is_setting = |line: &&str| line.starts_with("# ") && line.contains(" = ");
    let uncommented = example()
        .lines()
        .map(|line| if is_setting(&line) { line.trim_start_matches("# ") } else { line })
        .collect::<Vec<_>>()
        .join("\n");
    let settings = read(&uncommented).unwrap();
    assert!(KNOWN.iter().all(|known| settings.source.lines.contains_key(&known.name())), "{uncommented}");
    let defaults = Settings::default();
    let same = (settings.screen, settings.notify, settings.privacy, settings.history);
    assert_eq!(same, (defaults.screen, defaults.notify, defaults.privacy, defaults.history));
    let Colours { senders, mention, alarm, quiet, selected } = settings.theme;
    assert!(senders.is_some() && [mention, alarm, quiet, selected].iter().all(Option::is_some));
}

#[test]
fn what_is_shown_reads_back_the_same_and_names_its_origin() {
    let text = "[screen]\ntheme = \"light\"\n[theme]\nquiet = 8\n[keys]\n\"next activity\" = \"alt+a\"\nquit = [\"q\", \"x\"]";
    let settings = read(text).unwrap();
    let shown = toml(&settings);
    let again = read(&shown).unwrap();
    assert_eq!(Settings { source: settings.source.clone(), ..again }, settings, "{shown}");
    let line =
        |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    assert!(line("theme = ").ends_with(&format!("# {PATH}:2")), "{shown}");
    assert!(line("mouse = ").ends_with("# default"), "{shown}");
    assert!(line("# mention =").ends_with("# the theme's"), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&json(&settings)).unwrap();
    let row = json["settings"].as_array().unwrap().iter().find(|row| row["name"] == "screen.theme").unwrap();
    assert_eq!((&row["value"], &row["origin"], &row["line"]), (&"light".into(), &"file".into(), &2.into()));
}

#[test]
fn file_that_was_named_and_is_missing_is_no_silence() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none.toml");
    let failure = crate::failure::Failure::from(Settings::load(Some(&missing)).unwrap_err());
    assert_eq!(failure.exit, crate::failure::Exit::NotFound);
    assert!(failure.message.contains("none.toml"), "{failure:?}");
}

#[test]
fn file_that_is_too_large_or_no_text_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(matches!(Settings::load(Some(&path)), Err(SettingsError::Large { .. })));
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(matches!(Settings::load(Some(&path)), Err(SettingsError::Read { .. })));
}
