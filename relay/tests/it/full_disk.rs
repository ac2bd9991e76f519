//! A disk that is really full: a small file system in memory, the program on it, and somebody who fills it.
//!
//! Needs the right to mount; says so where it is not given. `SCHAT_CYCLES` sets how often the disk is full (default
//! 2); `just soak-full-disk` does it a hundred times.

use std::{fs, io::Write, path::Path, process::Command};

use proto::relay::{refused::Code, relay_frame::Frame};
use tempfile::TempDir;

use crate::{common::*, program::Program};

/// Size of the file system, in MiB.
const SIZE: u32 = 24;

/// A file system in memory; unmounted on drop.
struct Mount(TempDir);

impl Mount {
    fn new() -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={SIZE}m"), "tmpfs"]).arg(directory.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
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
        println!("skipped: no right to mount a file system here");
        return;
    };
    let cycles: u64 = std::env::var("SCHAT_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(2);
    let data_dir = mount.path().join("data");
    // Below every reserve: what is under test is the disk itself.
    let options = ["--reserve-mib", "0", "--rate", "1000000", "--keep-entries", "60"];
    let program = Program::with(&data_dir, &options);
    let client = Client::connect(program.address, &data_dir).await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    let (mut number, mut head) = (0u128, 0);
    let mut next = || {
        number += 1;
        number.to_be_bytes()
    };
    for cycle in 0..cycles {
        for _ in 0..5 {
            head += 1;
            a.publish(next(), &[1; 60_000], None).await;
            assert_eq!(a.published().await.seq, head, "cycle {cycle}");
        }
        mount.fill();
        let refused = loop {
            let id = next();
            a.publish(id, &[2; 60_000], None).await;
            match answer(&mut a).await {
                Frame::Published(published) => {
                    head += 1;
                    assert_eq!(published.seq, head, "cycle {cycle}: space that trimming had freed");
                }
                Frame::Refused(refused) => break (id, refused),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused.1.code(), Code::NoSpace, "cycle {cycle}");

        // Reads go on, at the latest when the database has been opened anew.
        let joined = loop {
            match client.try_join(client.join_frame(room(1), &key(1), 0, None)).await {
                (mut stream, Frame::Joined(joined)) => {
                    for seq in joined.oldest..=joined.head {
                        assert_eq!(stream.delivered().await.seq, seq, "cycle {cycle}");
                    }
                    a = stream;
                    break joined;
                }
                (_, Frame::Refused(refused)) => assert_eq!(refused.code(), Code::ShuttingDown),
                (_, other) => panic!("{other:?}"),
            }
        };
        assert!(joined.head == head || joined.head == head + 1, "cycle {cycle}: {} {head}", joined.head);

        mount.free();
        head = loop {
            a.publish(refused.0, &[2; 60_000], None).await;
            match answer(&mut a).await {
                Frame::Published(published) => break published.seq,
                Frame::Refused(refused) => assert_eq!(refused.code(), Code::NoSpace),
                other => panic!("{other:?}"),
            }
        };
        assert!(head == joined.head || head == joined.head + 1, "cycle {cycle}: the same publish, once");
    }
    println!("{cycles} times full");
}

/// The answer to a publish; entries that come before it were checked elsewhere.
async fn answer(stream: &mut Stream) -> Frame {
    loop {
        match stream.next().await {
            Frame::Deliver(_) => {}
            frame => return frame,
        }
    }
}
