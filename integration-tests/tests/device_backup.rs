//! A device is lost, and its backup is restored elsewhere: account, people, rooms and their past are there, and it is back in its
//! rooms; what is no such backup, or not whole, is told for what it is. `backup` and `restore` are killed at places that nobody chose.
//!
//! `SCHAT_KILLS` changes how often, `SCHAT_SEED` where; the seed is printed.

use std::{fs, path::Path, process::Stdio, time::Duration};

use integration_tests::{
    backup::{backup, failed, past, restore, texts},
    copy, count,
    files::{bytes, done, file, names, schat},
    group::{ROOM, fingerprint, found},
    relay::Relay,
    schat::Schat,
    search::Needles,
    unguessable,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Twelve words of another phrase.
const OTHER: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

#[test]
fn lost_device_comes_back_from_its_backup_with_account_people_rooms_and_past() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    let (mut people, _) = found(dir, &relay.address, &["ann", "bob"]);
    people[1].say(ROOM, "before the backup", "1");
    people[0].hears("before the backup");
    people[0].say(ROOM, "seen by both", "2");
    let seen = people[1].hears("seen by both");
    assert!(seen > 0);
    let who = fingerprint(&mut people[1]);
    // While bob's program runs.
    let target = dir.join("backup");
    done(&mut backup(dir, "bob", &target, &[]));
    people[0].say(ROOM, "after the backup", "3");
    people[1].hears("after the backup");
    let mut people = people.into_iter();
    let (mut ann, bob) = (people.next().unwrap(), people.next().unwrap());
    bob.kill();
    fs::remove_dir_all(dir.join("bob")).unwrap();

    // Ann is there, so bob is let in at once.
    let said = done(&mut restore(dir, "anew", &target, &["--timeout", "120"])).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains(&format!("{ROOM}: back")), "{said}");
    let lines = texts(dir, "anew");
    assert!(lines.contains(&"before the backup".to_owned()) && lines.contains(&"seen by both".to_owned()));
    assert!(!lines.contains(&"after the backup".to_owned()), "nobody could have told it");
    // As what they are: handed over by an own device.
    let handed = past(dir, "anew").iter().find(|line| line["text"] == "before the backup").cloned().unwrap();
    assert_eq!(handed["handed_by"]["fingerprint"], who);

    // The same person, in the place of the device that is gone, and they talk.
    let mut anew = Schat::spawn(schat(dir, "anew", &[]), dir, "anew");
    anew.event("joined");
    assert_eq!(fingerprint(&mut anew), who);
    anew.say(ROOM, "here again", "4");
    ann.hears("here again");
    ann.say(ROOM, "welcome", "5");
    anew.hears("welcome");
    assert_eq!(ann.alarms(), Vec::<Value>::new());
    assert_eq!(anew.alarms(), Vec::<Value>::new());
    let mark = ann.mark();
    ann.tell(json!({"cmd": "members", "room": ROOM}));
    let members = ann.wait_after(mark, "members", |event| event["event"] == "members");
    assert_eq!(members["members"].as_array().unwrap().len(), 2, "{members}");

    // Into a profile with an account nothing is restored.
    let (code, said) = failed(&mut restore(dir, "anew", &target, &[]));
    assert!(code == Some(4) && said.contains("new"), "{code:?} {said}");
}

#[test]
fn what_is_no_whole_backup_of_this_phrase_is_told_for_what_it_is() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    integration_tests::files::pair(dir, &relay);
    let target = dir.join("backup");
    done(&mut backup(dir, "bob", &target, &[]));
    let whole = fs::read(&target).unwrap();
    let told = |source: &Path| failed(&mut restore(dir, "anew", source, &[]));
    let mut newer = whole.clone();
    newer[12] += 1;
    let mut altered = whole.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    for (content, code, words) in [
        (whole[..62].to_vec(), 6, "too early"),
        (whole[..whole.len() - 9].to_vec(), 6, "damaged"),
        (altered, 6, "damaged"),
        (newer, 1, "later version"),
        (b"something else, and longer than such a header, by some bytes at least".to_vec(), 2, "no backup"),
    ] {
        let (exit, said) = told(&file(dir, "other", &content));
        assert!(exit == Some(code) && said.contains(words), "{words}: {exit:?} {said}");
        assert!(!dir.join("anew").exists(), "{words}");
    }
    let (exit, said) = told(&dir.join("nowhere"));
    assert!(exit == Some(5), "{exit:?} {said}");
    fs::create_dir(dir.join("empty")).unwrap();
    let (exit, said) = told(&dir.join("empty"));
    assert!(exit == Some(5) && said.contains("There is no backup in"), "{exit:?} {said}");
    let (exit, said) = failed(&mut schat(dir, "bob", &["backup", "--every", "day"]));
    assert!(exit == Some(2) && said.contains("FILE or DIR"), "{exit:?} {said}");
    let (exit, said) = failed(&mut schat(dir, "bob", &["backup", "--every", "never"]));
    assert!(exit == Some(0) && said.contains("no more backups"), "{exit:?} {said}");
    fs::write(dir.join("phrase"), OTHER).unwrap();
    let (exit, said) = told(&target);
    assert!(exit == Some(6) && said.contains("phrase"), "{exit:?} {said}");
    fs::write(dir.join("phrase"), OTHER.replace("wave", "wives")).unwrap();
    let (exit, said) = told(&target);
    assert!(exit == Some(2) && said.contains("word 5"), "{exit:?} {said}");
    // Where nothing can be written, it is said, and nothing half is left.
    fs::remove_file(dir.join("phrase")).unwrap();
    let (exit, said) = failed(&mut schat(dir, "bob", &["backup", "/proc/no/such"]));
    assert!(matches!(exit, Some(1 | 5)), "{exit:?} {said}");
}

#[test]
fn what_is_in_the_place_of_a_backup_and_is_none_of_this_phrase_stays() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    integration_tests::files::pair(dir, &relay);
    let notes =
        file(dir, "notes.txt", b"not a backup at all, and longer than the header of one is, for sure");
    let (exit, said) = failed(&mut backup(dir, "bob", &notes, &[]));
    assert!(exit == Some(4) && said.contains("stays"), "{exit:?} {said}");
    assert!(fs::read(&notes).unwrap().starts_with(b"not a backup"));
    // Another person's, in a file and in a directory, with its pieces.
    let (one, all) = (dir.join("backup"), dir.join("backups"));
    fs::create_dir(&all).unwrap();
    for target in [&one, &all] {
        done(&mut backup(dir, "bob", target, &[]));
    }
    let before =
        (fs::read(&one).unwrap(), fs::read(all.join("schat-backup")).unwrap(), names(&all.join("pieces")));
    fs::rename(dir.join("phrase"), dir.join("bobs")).unwrap();
    for target in [&one, &all] {
        let (exit, said) = failed(&mut backup(dir, "ann", target, &[]));
        assert!(exit == Some(4) && said.contains("stays"), "{exit:?} {said}");
    }
    let after =
        (fs::read(&one).unwrap(), fs::read(all.join("schat-backup")).unwrap(), names(&all.join("pieces")));
    assert!(before == after);
    // While another program writes there.
    fs::rename(dir.join("bobs"), dir.join("phrase")).unwrap();
    let lock = fs::File::open(all.join("pieces/lock")).unwrap();
    lock.lock().unwrap();
    let (exit, said) = failed(&mut backup(dir, "bob", &all, &[]));
    assert!(exit == Some(4) && said.contains("Another program"), "{exit:?} {said}");
    drop(lock);
    // A slash behind the new profile's name, as shells add it.
    let mut command = integration_tests::programs::program("schat");
    command.arg("--profile").arg(dir.join("anew/")).args(["--trust-first-use", "restore"]).arg(&one);
    done(command.arg("--phrase-file").arg(dir.join("phrase")).args(["--timeout", "1"]));
    assert_eq!(texts(dir, "anew"), texts(dir, "bob"));
}

#[test]
fn damaged_piece_is_written_anew_and_what_an_interrupted_one_left_goes() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    integration_tests::files::pair(dir, &relay);
    done(&mut schat(dir, "bob", &["send", ROOM, "kept in a piece"]));
    let target = dir.join("backups");
    fs::create_dir(&target).unwrap();
    done(&mut backup(dir, "bob", &target, &[]));
    let pieces = target.join("pieces");
    let is_piece = |name: &String| name != "lock";
    let first: Vec<_> = names(&pieces).into_iter().filter(is_piece).collect();
    let mut bytes = fs::read(pieces.join(&first[0])).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(pieces.join(&first[0]), bytes).unwrap();
    let left = pieces.join("00112233445566778899aabbccddeeff");
    fs::write(&left, "of one that was killed").unwrap();
    done(&mut backup(dir, "bob", &target, &[]));
    let then = names(&pieces);
    assert!(!left.exists() && !then.contains(&first[0]), "{then:?}");
    done(&mut restore(dir, "anew", &target, &["--timeout", "1"]));
    assert_eq!(texts(dir, "anew"), texts(dir, "bob"));
}

#[test]
fn directory_gets_only_what_is_new_and_shows_nothing_of_what_is_in_it() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    let (mark, name) = (unguessable(), unguessable());
    let (mut people, _) = found(dir, &relay.address, &["ann", "bob"]);
    people[1].tell(json!({"cmd": "nick", "name": name}));
    for n in 0..300 {
        people[1].say(ROOM, &format!("{mark} {n}"), &n.to_string());
    }
    people[0].hears(&format!("{mark} 299"));
    let target = dir.join("backups");
    fs::create_dir(&target).unwrap();
    done(&mut backup(dir, "bob", &target, &[]));
    let first = names(&target.join("pieces"));
    assert!(first.len() > 1, "{first:?}");
    // Again, with nothing new: no piece is written.
    done(&mut backup(dir, "bob", &target, &[]));
    assert_eq!(names(&target.join("pieces")), first);
    people[1].say(ROOM, &format!("{mark} one more"), "more");
    people[0].hears(&format!("{mark} one more"));
    done(&mut backup(dir, "bob", &target, &[]));
    let then = names(&target.join("pieces"));
    assert!(
        first.iter().filter(|piece| then.contains(piece)).count() >= first.len() - 2,
        "{first:?} {then:?}"
    );
    for person in people {
        assert_eq!(person.quit().code, Some(0));
    }
    // Neither texts, nor names, nor the room, nor the account.
    for needle in [&mark, &name] {
        assert_eq!(Needles::of(needle).in_files(&target), None);
        // Positive control: where it is plain it is found.
        let plain = TempDir::new().unwrap();
        fs::write(plain.path().join("plain"), texts(dir, "bob").join("\n") + &name).unwrap();
        assert!(Needles::of(needle).in_files(plain.path()).is_some());
    }
    // A piece that is missing, and one that is another one.
    let broken = dir.join("broken");
    copy(&target, &broken);
    // Some of them are of the backup before alone, so all but one are another one.
    let pieces: Vec<_> = then.iter().map(|piece| broken.join("pieces").join(piece)).collect();
    for piece in &pieces[1..] {
        fs::copy(&pieces[0], piece).unwrap();
    }
    let (exit, said) = failed(&mut restore(dir, "one for another", &broken, &["--timeout", "1"]));
    assert!(exit == Some(6) && said.contains("damaged"), "{exit:?} {said}");
    pieces.iter().for_each(|piece| fs::remove_file(piece).unwrap());
    let (exit, said) = failed(&mut restore(dir, "one missing", &broken, &["--timeout", "1"]));
    assert!(exit == Some(6) && said.contains("missing"), "{exit:?} {said}");
    done(&mut restore(dir, "anew", &target, &["--timeout", "1"]));
    assert_eq!(texts(dir, "anew").iter().filter(|text| text.contains(&mark)).count(), 301);
}

#[test]
fn backup_and_restore_that_are_killed_leave_nothing_half_and_no_second_identity() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    let (mut people, _) = found(dir, &relay.address, &["ann", "bob"]);
    for n in 0..300 {
        people[1].say(ROOM, &format!("said {n}"), &n.to_string());
    }
    let who = fingerprint(&mut people[1]);
    people[0].hears("said 299");
    // So long that a backup which is written is met on its way.
    let path = file(dir, "long.bin", &bytes(24 << 20, 1));
    people[1].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": "long"}));
    people[1].sent("long");
    for person in people {
        person.quit();
    }
    let lines = texts(dir, "bob").len();
    let (directory, whole) = (dir.join("backups"), dir.join("whole"));
    fs::create_dir(&directory).unwrap();
    for target in [&directory, &whole] {
        done(&mut backup(dir, "bob", target, &["--files"]));
    }
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = count("SCHAT_SEED", clock.subsec_nanos() as usize);
    println!("SCHAT_SEED={seed}");
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = |below: u64| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut killed = 0;
    for round in 0..count("SCHAT_KILLS", 10) {
        let is_backup = round % 2 == 0;
        let target = if round % 4 < 2 { &directory } else { &whole };
        let anew = format!("anew{round}");
        let mut command = match is_backup {
            true => backup(dir, "bob", target, &["--files"]),
            false => restore(dir, &anew, target, &["--timeout", "1"]),
        };
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Not a wait for something: where it is killed is the point.
        std::thread::sleep(Duration::from_millis(next(if is_backup { 800 } else { 1_500 })));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        if !is_backup {
            // Either nothing, or a whole profile of this account.
            if dir.join(&anew).exists() {
                assert_eq!(texts(dir, &anew).len(), lines);
                let said = done(&mut schat(dir, &anew, &["fingerprint", "--json"])).stdout;
                let said = String::from_utf8(said).unwrap();
                assert!(said.contains(&who), "another identity: {said}");
                continue;
            }
        }
        // What is there can be restored, whole, by whoever begins anew.
        let anew = format!("again{round}");
        done(&mut restore(dir, &anew, target, &["--timeout", "1"]));
        assert_eq!(texts(dir, &anew).len(), lines, "round {round}");
        fs::remove_dir_all(dir.join(&anew)).unwrap();
    }
    println!("{killed} were killed on their way");
    // The profile itself has lost nothing by it.
    assert_eq!(texts(dir, "bob").len(), lines);
}

#[test]
fn restored_device_that_is_killed_on_its_way_back_is_in_once_in_the_end_and_is_the_same() {
    let dir = TempDir::new().unwrap();
    let (dir, relay) = (dir.path(), Relay::start(&dir.path().join("relay")));
    let (mut people, _) = found(dir, &relay.address, &["ann", "bob"]);
    let mut bob = people.pop().unwrap();
    let mut ann = people.pop().unwrap();
    bob.say(ROOM, "before", "1");
    ann.hears("before");
    let who = fingerprint(&mut bob);
    assert_eq!(bob.quit().code, Some(0));
    let target = dir.join("whole");
    done(&mut backup(dir, "bob", &target, &[]));
    // The device is lost. What it comes back as begins many times.
    ann.say(ROOM, "meanwhile", "2");
    let (mut moment, anew) = (0, dir.join("anew"));
    for _ in 0..count("SCHAT_KILLS", 10) {
        // From one that has hardly begun to one that is back in its room.
        moment = (moment + 370) % 2_900;
        let mut command = match anew.exists() {
            true => schat(dir, "anew", &["--trust-first-use", "--json"]),
            false => restore(dir, "anew", &target, &["--timeout", "60"]),
        };
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Not a wait for something: where it is killed is the point.
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    if !anew.exists() {
        done(&mut restore(dir, "anew", &target, &["--timeout", "60"]));
    }
    let mut bob = Schat::start(dir, "anew", &relay.address);
    bob.say(ROOM, "back", "3");
    ann.hears("back");
    ann.say(ROOM, "welcome", "4");
    bob.hears("welcome");
    let mark = ann.mark();
    ann.tell(json!({"cmd": "members", "room": ROOM}));
    let told = ann.wait_after(mark, "members", |event| event["event"] == "members");
    let members = told["members"].as_array().unwrap();
    assert!(members.len() == 2 && members.iter().any(|member| member["fingerprint"] == *who), "{told}");
    bob.quit();
    assert!(texts(dir, "anew").iter().any(|text| text.contains("before")));
}
