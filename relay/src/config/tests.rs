use super::*;
use crate::cli;

fn load_all(arguments: impl IntoIterator<Item = OsString>) -> Result<Loaded, ConfigError> {
    Ok(cli::load(arguments)?.1)
}

fn with_file(text: &str, arguments: &[&str]) -> Result<Loaded, ConfigError> {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("relay.toml");
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let path = path.into_os_string();
    let all = ["relay".into(), "--config".into(), path].into_iter();
    load_all(all.chain(arguments.iter().map(Into::into)))
}

fn origin(loaded: &Loaded, name: &str) -> Origin {
    loaded.settings.iter().find(|setting| setting.name == name).unwrap().origin.clone()
}

#[test]
fn flag_beats_file_beats_default() {
    let loaded = with_file("rate = 7\nkeep-days = 8", &["--rate", "9"]).unwrap();
    assert_eq!(loaded.parsed.traffic.rate, 9);
    assert_eq!(loaded.parsed.storage.keep_days, 8);
    assert_eq!(origin(&loaded, "rate"), Origin::Flag);
    assert!(matches!(origin(&loaded, "keep-days"), Origin::File(_)));
    assert_eq!(origin(&loaded, "keep-mib"), Origin::Default);
    assert_eq!(origin(&loaded, "cert"), Origin::Unset);
}

#[test]
fn list_and_single_value_both_name_addresses() {
    for text in
        ["listen = \"127.0.0.1:1\"", "listen = [\"127.0.0.1:1\"]", "listen = [\"127.0.0.1:1\", \"[::1]:1\"]"]
    {
        let loaded = with_file(text, &[]).unwrap();
        assert_eq!(loaded.config.listen[0].to_string(), "127.0.0.1:1", "{text}");
    }
}

#[test]
fn unknown_key_names_the_nearest_known_one() {
    for (key, nearest) in
        [("keep-dais", "keep-days"), ("keep_days", "keep-days"), ("raet", "rate"), ("listne", "listen")]
    {
        let error = with_file(&format!("{key} = 1"), &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}`; did you mean `{nearest}`?")), "{error}");
    }
    let error = with_file("xyzzy = 1", &[]).unwrap_err().to_string();
    assert!(error.contains("no setting `xyzzy`;"), "{error}");
}

#[test]
fn bad_value_names_its_file_and_key() {
    for (text, wanted) in [
        ("rate = 0", "--rate"),
        ("rate = \"many\"", "--rate"),
        ("rate = [1]", "`rate` must be one value"),
        ("rate", "not valid TOML"),
        ("cert = \"a.pem\"", "key is not"),
    ] {
        let error = with_file(text, &[]).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn what_is_shown_can_be_used_again() {
    let first =
        with_file("rate = 7\nlisten = [\"127.0.0.1:1\", \"[::1]:1\"]", &["--host", "b.example"]).unwrap();
    let second = with_file(&show::toml(&first), &[]).unwrap();
    assert_eq!(format!("{:?}", first.config), format!("{:?}", second.config));
}

#[test]
fn missing_file_that_was_named_is_an_error() {
    let error = load_all(["relay", "--config", "/nowhere/relay.toml"].map(Into::into)).unwrap_err();
    assert!(error.to_string().starts_with("cannot read /nowhere/relay.toml"), "{error}");
}

#[test]
fn secret_is_refused_on_the_command_line_and_not_shown_from_a_file() {
    let wanted = ["--domain", "a.example", "--acme-eab-kid", "1"];
    let refused =
        load_all([&["relay"][..], &wanted, &["--acme-eab-key", "c2VjcmV0"]].concat().iter().map(Into::into));
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("RELAY_ACME_EAB_KEY_FILE") && !message.contains("c2VjcmV0"), "{message}");
    let loaded = with_file("acme-eab-key = \"c2VjcmV0\"", &wanted).unwrap();
    for shown in [show::toml(&loaded), show::json(&loaded), format!("{:?}", (&loaded.config, &loaded.parsed))]
    {
        assert!(!shown.contains("c2VjcmV0") && !shown.contains("115, 101"), "{shown}");
    }
}

#[test]
fn misspelled_variable_is_a_slip_and_a_strangers_is_not() {
    let known = known(&cli::help::command(&[]));
    for (variable, nearest) in [("RELAY_KEEP_DAY", "RELAY_KEEP_DAYS"), ("RELAY_RATES", "RELAY_RATE")] {
        let error = known_or_strange(variable, false, &known).unwrap_err().to_string();
        assert!(error.contains(&format!("did you mean {nearest}?")), "{error}");
    }
    for stranger in ["RELAY_URL", "RELAY_PASSWORD", "RELAY_PORT_443_TCP_ADDR"] {
        assert!(known_or_strange(stranger, false, &known).is_ok(), "{stranger}");
    }
}

#[test]
fn host_with_a_scheme_or_a_port_is_refused_before_anything_starts() {
    for wrong in ["http://foo/", "chat.example.org:4443", "a b", ""] {
        assert!(with_file(&format!("host = {wrong:?}"), &[]).is_err(), "{wrong}");
    }
    for right in ["chat.example.org", "192.0.2.1", "2001:db8::1", "[2001:db8::1]"] {
        assert!(with_file(&format!("host = {right:?}"), &[]).is_ok(), "{right}");
    }
}

#[cfg(unix)]
#[test]
fn secret_in_a_file_for_everybody_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("relay.toml");
    std::fs::write(&path, "acme-eab-key = \"c2VjcmV0\"").unwrap();
    let read = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        load_all(["relay".into(), "--config".into(), path.clone().into_os_string()])
    };
    let error = read(0o644).unwrap_err().to_string();
    assert!(error.contains("acme-eab-key") && !error.contains("c2VjcmV0"), "{error}");
    assert!(!matches!(read(0o640), Err(ConfigError::SecretInPublicFile { .. })));
}

#[test]
fn memory_that_a_part_of_a_file_would_wait_for_in_vain_is_refused_with_the_reason() {
    for least in [0, 19] {
        let error = with_file(&format!("transfer-memory-mib = {least}"), &[]).unwrap_err().to_string();
        assert!(error.contains("4 parts of a file have to fit") && error.contains("20 at least"), "{error}");
    }
    for wrong in ["transfer-memory-mib = 9999999", "transfer-memory-mib = \"x\""] {
        assert!(with_file(wrong, &[]).is_err(), "{wrong}");
    }
    let loaded = with_file("transfer-memory-mib = 20", &[]).unwrap();
    let files = loaded.config.limits.files;
    assert_eq!((files.memory_kib, files.share_kib()), (20 << 10, 5 << 10));
}

#[test]
fn who_only_looks_is_answered_beside_a_broken_file_and_finds_the_relay_that_it_names() {
    let broken = "data-dir = \"/srv/relay\"\nraet = 2\nthis is no TOML";
    for command in ["status", "top", "doctor", "rooms"] {
        let loaded = with_file(broken, &[command]).unwrap();
        assert_eq!(loaded.config.data_dir().unwrap(), Path::new("/srv/relay"), "{command}");
    }
    for command in [&["reload"][..], &["config"], &[], &["backup", "f"]] {
        assert!(with_file(broken, command).is_err(), "{command:?}");
    }
    assert!(with_file(broken, &["--rate", "none", "status"]).is_err(), "a slip of the hand is no file");
}
