//! Backups in a bad place: damaged ones, full disks, two programs at once, and a device that lives on beside its backup.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use integration_tests::{
    backup::{backup, failed, restore, texts},
    files::{bytes, done, file, names, pair, schat},
    group::{ROOM, found},
    relay::Relay,
    schat::{Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Another room of the same person.
const OTHER: &str = "family";

/// A small disk in memory.
struct Disk(TempDir);

impl Disk {
    /// None where nothing can be mounted.
    fn new(kib: u32) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]).arg(directory.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(directory))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// What was said in a room, by a profile.
fn said(dir: &Path, name: &str, room: &str) -> String {
    String::from_utf8(done(&mut schat(dir, name, &["export", room, "--json"])).stdout).unwrap()
}

/// What a command tells programs.
fn told(command: &mut Command) -> (Option<i32>, Vec<Value>) {
    let output = run(command, b"");
    let lines = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Bob with two rooms and a file, in a backup with a directory of its own.
fn kept(dir: &Path, relay: &Relay) -> std::path::PathBuf {
    let mut bob = Schat::start(dir, "bob", &relay.address);
    for room in [ROOM, OTHER] {
        bob.tell(json!({"cmd": "create", "room": room}));
        bob.wait(room, |event| event["event"] == "joined" && event["room"] == room);
        bob.say(room, &format!("said in {room}"), room);
        bob.sent(room);
    }
    let path = file(dir, "picture.bin", &bytes(200_000, 3));
    bob.tell(json!({"cmd": "file_send", "room": OTHER, "path": path, "id": "f"}));
    bob.sent("f");
    assert_eq!(bob.quit().code, Some(0));
    let target = dir.join("backups");
    fs::create_dir(&target).unwrap();
    done(&mut backup(dir, "bob", &target, &["--files"]));
    target
}

#[test]
fn damaged_piece_takes_nothing_along_that_is_whole_and_is_told_room_by_room() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    let target = kept(dir, &relay);
    let pieces: Vec<String> =
        names(&target.join("pieces")).into_iter().filter(|name| name != "lock").collect();
    assert!(pieces.len() >= 3, "{pieces:?}");
    let (mut files, mut past) = (0, 0);
    for (number, piece) in pieces.iter().enumerate() {
        let place = target.join("pieces").join(piece);
        let whole = fs::read(&place).unwrap();
        match number % 2 {
            0 => fs::write(&place, &whole[..whole.len() - 1]).unwrap(),
            _ => fs::remove_file(&place).unwrap(),
        }
        let name = format!("anew {number}");
        let (code, events) = told(&mut restore(dir, &name, &target, &["--json", "--timeout", "1"]));
        let lost = events
            .iter()
            .find(|event| event["event"] == "not_restored")
            .unwrap_or_else(|| panic!("{events:?}"));
        assert_eq!(code, Some(6), "{events:?}");
        let room = lost["room"].as_str().unwrap();
        assert!(events.iter().any(|event| event["event"] == "restored"), "{events:?}");
        (files, past) = (files + lost["files"].as_u64().unwrap(), past + lost["parts"].as_u64().unwrap());
        // Whatever is not in that piece is there.
        for other in [ROOM, OTHER].into_iter().filter(|other| *other != room) {
            assert!(said(dir, &name, other).contains(&format!("said in {other}")), "{lost}");
        }
        if lost["files"] == json!(1) {
            assert!(said(dir, &name, room).contains(&format!("said in {room}")), "{lost}");
        }
        let files_there = fs::read_dir(dir.join(&name).join("restored-files")).map_or(0, Iterator::count);
        assert_eq!(files_there as u64 + lost["files"].as_u64().unwrap(), 1, "whole, or not at all");
        fs::write(&place, &whole).unwrap();
    }
    assert_eq!((files, past), (1, pieces.len() as u64 - 1));
    // People are told as well.
    let place = target.join("pieces").join(&pieces[0]);
    fs::remove_file(&place).unwrap();
    let output = run(&mut restore(dir, "for people", &target, &["--timeout", "1"]), b"");
    let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert!(
        text.contains("not whole, since the backup is damaged") && text.contains("the rest of it came back"),
        "{text}"
    );
}

#[test]
fn two_restores_into_one_place_do_not_mix() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    pair(dir, &relay);
    let target = dir.join("backup");
    done(&mut backup(dir, "bob", &target, &[]));
    // While another one is at it.
    let lock = File::create(dir.join("anew.restoring.lock")).unwrap();
    lock.lock().unwrap();
    let (code, said) = failed(&mut restore(dir, "anew", &target, &["--timeout", "1"]));
    assert!(code == Some(4) && said.contains("Another program is restoring"), "{code:?} {said}");
    assert!(!dir.join("anew").exists());
    drop(lock);
    // Many at once: one does it.
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = restore(dir, "anew", &target, &["--timeout", "1"]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let codes: Vec<_> = children.iter_mut().map(|child| child.wait().unwrap().code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 4))), "{codes:?}");
    assert_eq!(texts(dir, "anew"), texts(dir, "bob"));
    let left: Vec<_> = names(dir).into_iter().filter(|name| name.contains("restoring")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn full_disk_leaves_the_backup_that_was_there_and_no_half_profile() {
    let Some(disk) = Disk::new(2_048) else { return println!("skipped: nothing can be mounted here") };
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    pair(dir, &relay);
    let (place, all) = (disk.0.path(), disk.0.path().join("backups"));
    fs::create_dir(&all).unwrap();
    let one = place.join("backup");
    for target in [&one, &all] {
        done(&mut backup(dir, "bob", target, &[]));
    }
    let copy = dir.join("copy");
    fs::copy(&one, &copy).unwrap();
    let before =
        (fs::read(&one).unwrap(), fs::read(all.join("schat-backup")).unwrap(), names(&all.join("pieces")));
    // Nothing more fits.
    let big = file(dir, "big.bin", &bytes(3 << 20, 5));
    done(&mut schat(dir, "bob", &["send", ROOM, "--file", big.to_str().unwrap()]));
    for target in [&one, &all] {
        let (code, said) = failed(&mut backup(dir, "bob", target, &["--files"]));
        assert!(code == Some(1) && said.contains("full"), "{code:?} {said}");
    }
    let after =
        (fs::read(&one).unwrap(), fs::read(all.join("schat-backup")).unwrap(), names(&all.join("pieces")));
    assert!(before == after, "{:?} {:?}", before.2, after.2);
    assert!(!place.join("backup.part").exists());
    // Nor a profile.
    let filler = fs::File::create(place.join("filler")).unwrap();
    let mut filler = std::io::BufWriter::new(filler);
    while std::io::Write::write_all(&mut filler, &[0; 4_096]).is_ok() {}
    drop(filler);
    let mut command = integration_tests::programs::program("schat");
    command.arg("--profile").arg(place.join("anew")).args(["--trust-first-use", "restore"]).arg(&copy);
    let (code, said) = failed(command.arg("--phrase-file").arg(dir.join("phrase")).args(["--timeout", "1"]));
    assert!(code == Some(1) && (said.contains("full") || said.contains("space")), "{code:?} {said}");
    let left: Vec<_> = names(place).into_iter().filter(|name| name.starts_with("anew")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn backup_that_is_restored_beside_the_living_device_is_noticed_and_told() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    let (mut people, _) = found(dir, &relay.address, &["ann", "bob"]);
    let target = dir.join("backup");
    done(&mut backup(dir, "bob", &target, &[]));
    let (code, events) = told(&mut restore(dir, "anew", &target, &["--json", "--timeout", "120"]));
    assert_eq!(code, Some(0), "{events:?}");
    let mut bob = people.pop().unwrap();
    let closed = bob.event("closed");
    assert!(closed["reason"].as_str().unwrap().contains("A copy of this device"), "{closed}");
    bob.kill();
    // Nor does it come back unnoticed.
    let mut bob = Schat::start(dir, "bob", &relay.address);
    let alarm = bob.wait("an alarm", |event| event["event"] == "alarm");
    assert_eq!(alarm["kind"], "rollback", "{alarm}");
}

#[test]
fn settings_of_a_person_come_back_and_those_of_a_machine_do_not() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    pair(dir, &relay);
    let config = dir.join("bob.toml");
    let text = "[privacy]\nseen = true\n[screen]\ntheme = 'light'\n[files]\ndownloads = '/bobs'\n[devices]\ndrafts = true\n";
    fs::write(&config, text).unwrap();
    let target = dir.join("backup");
    let mut command = schat(dir, "bob", &["--config", config.to_str().unwrap(), "backup"]);
    done(command.arg(&target).arg("--phrase-file").arg(dir.join("phrase")));
    let home = dir.join("home");
    let anew = |more: &[&str]| {
        let mut command = restore(dir, "anew", &target, more);
        command.env("XDG_CONFIG_HOME", &home).env("HOME", &home);
        command
    };
    done(&mut anew(&["--timeout", "1"]));
    let written = fs::read_to_string(home.join("schat/config.toml")).unwrap();
    for line in ["seen = true", "theme = \"light\"", "drafts = true"] {
        assert!(written.contains(line), "{line}: {written}");
    }
    assert!(!written.contains("downloads"), "{written}");
    // Settings that are there stay.
    fs::write(home.join("schat/config.toml"), "[privacy]\nseen = false\n").unwrap();
    fs::remove_dir_all(dir.join("anew")).unwrap();
    let output = done(&mut anew(&["--timeout", "1"]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stay"), "{output:?}");
    assert!(fs::read_to_string(home.join("schat/config.toml")).unwrap().contains("seen = false"));
}
