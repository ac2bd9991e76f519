//! The relay and the network see nothing that was said, no name, and no file.
//!
//! `SCHAT_CANARIES` changes how many messages are looked for.

use integration_tests::{count, network::Network, relay::Relay, schat::Schat, search::Needles, unguessable};
use serde_json::json;
use tempfile::TempDir;

/// What a document says that it is.
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

#[test]
fn no_canary_reaches_the_relays_disk_log_or_memory_or_the_wire() {
    let dir = TempDir::new().unwrap();
    // Everything that the relay could log is logged.
    let relay = Relay::with(&dir.path().join("relay"), &["--rate", "1000000"], Some("trace"));
    let network = Network::before(&relay.address);
    // One part is the same in all canaries, so that one search finds any of them. Each has its own as well.
    let mark = unguessable();
    let (room, ann, bob) = (format!("room{mark}"), format!("ann{mark}"), format!("bob{mark}"));

    // Profiles elsewhere: the relay's directory is searched as a whole.
    let homes = TempDir::new().unwrap();
    let mut ann = Schat::start(homes.path(), &ann, &network.address);
    ann.tell(json!({"cmd": "create", "room": room}));
    ann.event("joined");
    ann.tell(json!({"cmd": "invite", "room": room}));
    let link = ann.event("invite")["link"].as_str().unwrap().to_owned();
    let mut bob = Schat::start(homes.path(), &bob, &network.address);
    bob.tell(json!({"cmd": "join", "link": link}));
    bob.event("joined");

    let canaries: Vec<String> =
        (0..count("SCHAT_CANARIES", 1000)).map(|_| format!("{mark}{}", unguessable())).collect();
    for (i, canary) in canaries.iter().enumerate() {
        let (from, to) = if i % 2 == 0 { (&mut ann, &mut bob) } else { (&mut bob, &mut ann) };
        from.say(&room, canary, canary);
        if i == canaries.len() / 2 {
            to.hears(canary);
            absent_in_memory(&Needles::of(&mark), &relay);
        }
    }
    for person in [&mut ann, &mut bob] {
        canaries.iter().for_each(|canary| assert!(person.hears(canary) > 0));
    }

    // A file: its name, what kind it is, and all of its bytes.
    let path = homes.path().join(format!("{mark}.docx"));
    std::fs::write(&path, mark.repeat(2 << 16)).unwrap();
    ann.tell(json!({"cmd": "file_send", "room": room, "path": path, "text": mark, "id": "file"}));
    ann.sent("file");
    let message = bob.wait("the file", |event| event["file"]["name"] == format!("{mark}.docx"));
    absent_in_memory(&Needles::of(&mark), &relay);
    let place = homes.path().join("fetched");
    bob.tell(json!({"cmd": "file_get", "room": room, "target": message["id"], "output": place}));
    bob.wait("done", |event| event["event"] == "transfer" && event["state"] == "done");
    assert_eq!(message["file"]["type"], DOCX);
    assert!(std::fs::read(&place).unwrap() == std::fs::read(&path).unwrap());
    let sent = std::fs::metadata(&path).unwrap().len();
    assert!(network.record().len() as u64 > 2 * sent, "the file went another way");
    assert!(size_of(relay.dir()) > sent, "the file is not at the relay");

    let mut secrets = vec![mark, DOCX.to_owned(), canaries[0].clone(), canaries[canaries.len() - 1].clone()];
    // What lets people in must not be seen either: the end of the link holds the secret.
    secrets.push(
        link.rsplit('#').next().unwrap().chars().filter(char::is_ascii_alphanumeric).take(64).collect(),
    );
    let record = network.record();
    assert!(record.len() > canaries.len() * 2 * 256, "the network was not used");
    for secret in &secrets {
        let needles = Needles::of(secret);
        assert!(!needles.are_in(&record), "on the wire");
        assert!(!needles.are_in(relay.log().as_bytes()), "in the log");
        assert_eq!(needles.in_files(relay.dir()), None, "on the relay's disk");
        absent_in_memory(&needles, &relay);
    }
    assert!(relay.log().len() > 10_000, "the log does not trace");

    // The same searches find what is there.
    let needles = Needles::of(&secrets[0]);
    match needles.in_memory(ann.pid()) {
        Ok(found) => assert!(found, "the search is blind"),
        Err(why) => println!("skipped: {why}"),
    }
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(canaries[7].as_bytes(), &network.address).unwrap();
    // Once this one is answered, the one before was written down.
    ann.say(&room, "the last one", "last");
    ann.sent("last");
    assert!(needles.are_in(&network.record()), "the record is blind");
    std::fs::write(relay.dir().join("control"), format!("x{}", canaries[7])).unwrap();
    assert_eq!(needles.in_files(relay.dir()), Some(relay.dir().join("control")));
}

/// Bytes of all files in a directory.
fn size_of(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => size_of(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}

fn absent_in_memory(needles: &Needles, relay: &Relay) {
    match needles.in_memory(relay.pid()) {
        Ok(found) => assert!(!found, "in the relay's memory"),
        Err(why) => println!("skipped: {why}"),
    }
}
