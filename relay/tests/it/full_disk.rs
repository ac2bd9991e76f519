//! A disk that is really full: a small file system in memory, the program on it, and somebody who fills it.
//!
//! Needs the right to mount; says so where it is not given. `SCHAT_CYCLES` sets how often the disk is full (default
//! 2); `just soak-full-disk` does it a hundred times.

use std::{fs, io::Write, path::Path, process::Command};

use proto::{
    encode_frame,
    relay::{BlobPart, ClientFrame, Joined, Publish, client_frame, refused::Code, relay_frame::Frame},
};
use tempfile::TempDir;

use crate::{
    blobs::{P, assert_parts, part, parts},
    common::*,
    program::{Program, run},
    watching::{get, watched},
};

/// Size of the file system, in MiB.
const SIZE: u32 = 24;

/// Time between two tries, as a client would wait.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// A file system in memory; unmounted on drop.
pub(crate) struct Mount(TempDir);

impl Mount {
    pub(crate) fn new() -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={SIZE}m"), "tmpfs"]).arg(directory.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// From now on nothing is written here.
    pub(crate) fn read_only(&self) {
        let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status();
        assert!(remounted.unwrap().success());
    }

    /// Takes the last byte.
    fn fill(&self) {
        let mut filler = fs::File::create(self.path().join("filler")).unwrap();
        for piece in [1 << 20, 4096, 1] {
            while filler.write_all(&vec![0; piece]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_refuses_clearly_serves_reads_and_goes_on_by_itself() {
    let Some(mount) = Mount::new() else {
        return skipped("no right to mount a file system here");
    };
    let cycles: u64 = std::env::var("SCHAT_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(2);
    let data_dir = mount.path().join("data");
    // Below every reserve: what is under test is the disk itself.
    let patient = ["--joins-per-connection", "1000000"];
    let options =
        [&["--reserve-mib", "0", "--rate", "1000000", "--keep-entries", "60"][..], &patient].concat();
    let program = Program::with(&data_dir, &options);
    let client = Client::connect(program.address, &data_dir).await;
    drop(client.create(room(1), &key(1), vec![]).await);
    let (mut number, mut head) = (0u128, 0);
    let mut next = || {
        number += 1;
        number.to_be_bytes()
    };
    for cycle in 0..cycles {
        for _ in 0..5 {
            head += 1;
            assert_eq!(say(&client, next()).await, Ok(head), "cycle {cycle}");
        }
        mount.fill();
        let refused = loop {
            let id = next();
            match say(&client, id).await {
                // Space that trimming had freed.
                Ok(seq) => assert_eq!(seq, head + 1, "cycle {cycle}"),
                Err(code) => {
                    assert_eq!(code, Code::NoSpace, "cycle {cycle}");
                    break id;
                }
            }
            head += 1;
        };

        // Reads go on, at the latest when the database has been opened anew.
        let read = loop {
            if let Some(read) = read(&client).await {
                break read;
            }
        };
        // What was refused in the last moment may be there all the same.
        assert!(read == head || read == head + 1, "cycle {cycle}: {read} {head}");

        mount.free();
        head = loop {
            match say(&client, refused).await {
                Ok(seq) => break seq,
                Err(code) => assert_eq!(code, Code::NoSpace),
            }
        };
        assert!(head == read || head == read + 1, "cycle {cycle}: the same publish, once");
    }
    println!("{cycles} times full");
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_is_not_called_ready_until_there_is_space_again() {
    let Some(mount) = Mount::new() else {
        return skipped("no right to mount a file system here");
    };
    let data_dir = mount.path().join("data");
    let options = ["--reserve-mib", "0", "--rate", "1000000", "--joins-per-connection", "1000000"];
    let (program, address) = watched(&data_dir, &options);
    let client = Client::connect(program.address, &data_dir).await;
    drop(client.create(room(1), &key(1), vec![]).await);
    mount.fill();
    for number in 0u128.. {
        if say(&client, number.to_be_bytes()).await == Err(Code::NoSpace) {
            break;
        }
    }
    let answer = get(address, "/readyz", "localhost");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("there is no space"), "{answer}");
    assert!(get(address, "/metrics", "localhost").contains("\nschat_relay_ready 0\n"));
    let text = |arguments: &[&str]| String::from_utf8(run(&data_dir, arguments).stdout).unwrap();
    let doctor = text(&["doctor"]);
    assert!(doctor.contains("taking no messages: there is no space"), "{doctor}");
    assert!(!doctor.contains("nothing is accepted any more"), "{doctor}");
    let status = text(&["status"]);
    assert!(status.contains("\nWhy         there is no space: the disk refused"), "{status}");

    mount.free();
    let again = tokio::time::timeout(PATIENCE, async {
        while !get(address, "/readyz", "localhost").starts_with("HTTP/1.1 200") {
            tokio::time::sleep(PAUSE).await;
        }
    });
    assert!(again.await.is_ok(), "though nobody has published since");
}

#[tokio::test(flavor = "multi_thread")]
async fn share_that_is_used_up_is_told_alike_by_everybody_and_so_is_one_that_nearly_is() {
    let directory = TempDir::new().unwrap();
    let options =
        ["--reserve-mib", "0", "--max-disk-mib", "12", "--opener-percent", "100", "--rate", "1000000"];
    let patient = ["--joins-per-connection", "1000000"];
    let (program, address) = watched(directory.path(), &[&options[..], &patient].concat());
    let client = Client::connect(program.address, directory.path()).await;
    drop(client.create(room(1), &key(1), vec![]).await);
    let disk = || {
        let answer = run(directory.path(), &["doctor", "--json"]).stdout;
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let findings = answer["findings"].as_array().unwrap();
        let disk = findings.iter().find(|finding| finding["check"] == "disk").unwrap();
        (disk["level"] == "fail", disk["found"].as_str().unwrap().to_owned())
    };
    let status = || String::from_utf8(run(directory.path(), &["status"]).stdout).unwrap();
    let mut was_low = false;
    let mut is_ready = true;
    for number in 0u128.. {
        let said = say(&client, number.to_be_bytes()).await;
        assert_eq!(said.is_ok(), is_ready, "as it was said before: {said:?}");
        if !is_ready {
            break;
        }
        let answer = get(address, "/readyz", "localhost");
        is_ready = answer.starts_with("HTTP/1.1 200");
        if is_ready && !was_low && answer.contains("--max-disk-mib") && answer.contains("full soon") {
            was_low = true;
            let (is_failed, disk) = disk();
            assert!(!is_failed && disk.contains("full soon"), "{disk}");
            assert!(status().contains("\nSpace       it will be full soon"));
        }
    }
    assert!(was_low);
    let answer = get(address, "/readyz", "localhost");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("all that they may"), "{answer}");
    assert!(disk().0, "{}", disk().1);
    assert!(
        status().contains("\nWhy         there is no space: the logs take all that they may"),
        "{}",
        status()
    );
}

/// Publishes and waits for the answer, and comes back as often as the relay says that it cannot now.
async fn say(client: &Client, id: [u8; 16]) -> Result<u64, Code> {
    loop {
        if let Some((mut stream, _)) = enter(client).await {
            let publish =
                Publish { id: id.to_vec().into(), envelope: vec![1; 60_000].into(), ..Publish::default() };
            let frame = ClientFrame { frame: Some(client_frame::Frame::Publish(publish)) };
            // Fails when the stream has ended; the last frame says why.
            let _ = stream.send.write_all(&encode_frame(&frame)).await;
            while let Some(frame) = stream.try_next().await {
                match frame {
                    Frame::Published(published) => return Ok(published.seq),
                    Frame::Refused(refused) if refused.code() == Code::ShuttingDown => break,
                    Frame::Refused(refused) => return Err(refused.code()),
                    _ => {}
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Joins; `None` when the relay cannot now, whether it says so or only ends the stream.
async fn enter(client: &Client) -> Option<(Stream, Joined)> {
    let mut stream = client.stream().await;
    let join = client.join_frame(room(1), &key(1), 0, None);
    stream.frame(client_frame::Frame::Join(join)).await;
    match stream.try_next().await? {
        Frame::Joined(joined) => Some((stream, joined)),
        _ => None,
    }
}

/// Reads the whole log and returns its head; `None` if it cannot be read now.
async fn read(client: &Client) -> Option<u64> {
    let (mut stream, joined) = enter(client).await?;
    for seq in joined.oldest..=joined.head {
        match stream.try_next().await? {
            Frame::Deliver(entry) => assert_eq!(entry.seq, seq),
            _ => return None,
        }
    }
    Some(joined.head)
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_stops_files_before_messages_and_they_go_on_by_themselves() {
    let Some(mount) = Mount::new() else {
        return skipped("no right to mount a file system here");
    };
    let data_dir = mount.path().join("data");
    let program =
        Program::with(&data_dir, &["--reserve-mib", "3", "--rate", "1000000", "--opener-percent", "100"]);
    let client = Client::connect(program.address, &data_dir).await;
    drop(client.create(room(1), &key(1), vec![]).await);
    // Six MiB stay free of files: a second one would touch them.
    let size = 10 * P;
    let (mut stream, _) = client.sends(client.blob_open(1, 9, &key(1), size)).await;
    let no = client.no(client_frame::Frame::BlobOpen(client.blob_open(1, 8, &key(1), size))).await;
    assert_eq!((no.code(), no.limit()), (Code::NoSpace, proto::relay::refused::Limit::Disk));
    assert_eq!(say(&client, [1; 16]).await, Ok(1), "messages are taken");
    stream.part(0, part(size, 0)).await;
    assert!(parts(&stream.have().await).has(0));

    mount.fill();
    for number in 1..10 {
        let frame = client_frame::Frame::BlobPart(BlobPart { number, bytes: part(size, number).into() });
        let frame = ClientFrame { frame: Some(frame) };
        if stream.send.write_all(&encode_frame(&frame)).await.is_err() {
            break;
        }
    }
    // What came before may have been made durable.
    let no = loop {
        match stream.next().await {
            Frame::BlobHave(_) => {}
            Frame::Refused(no) => break no,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((no.code(), no.limit()), (Code::NoSpace, proto::relay::refused::Limit::Disk));
    stream.ended().await;

    mount.free();
    // The index may have to be opened anew.
    let have = loop {
        let open = client_frame::Frame::BlobOpen(client.blob_open(1, 9, &key(1), size));
        let (mut stream, answer) = client.asked(open).await;
        match answer {
            Frame::BlobHave(have) => {
                for number in parts(&have).missing() {
                    stream.part(number, part(size, number)).await;
                }
                while !stream.have().await.whole {}
                break have;
            }
            other => assert!(matches!(code(&other), Code::NoSpace | Code::ShuttingDown), "{other:?}"),
        }
    };
    assert!(parts(&have).has(0), "what was acknowledged is there");
    let (_, found) = client.fetched(client.blob_get(1, 9, &key(1))).await;
    assert_parts(size, 0, &found);
    assert_eq!(found.len(), 10);
}
