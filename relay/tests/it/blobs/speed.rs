//! How much memory and time a long file takes. `SCHAT_FILE_MIB` makes it longer, and then this says how fast it was.

use std::time::Instant;

use proto::{
    blob::part_header,
    relay::{client_frame, relay_frame::Frame},
};
use tempfile::TempDir;

use super::*;
use crate::program::Program;

/// Greatest memory that a process has had, in MiB.
fn peak(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

#[tokio::test(flavor = "multi_thread")]
async fn long_file_takes_no_more_memory_than_a_short_one() {
    let mib = std::env::var("SCHAT_FILE_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(96);
    let directory = TempDir::new().unwrap();
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    drop(client.create(room(1), &key(1), vec![]).await);
    client.sent(1, 1, &key(1), 2 * P).await;
    client.fetched(client.blob_get(1, 1, &key(1))).await;
    let before = peak(program.child.id());

    let size = mib * P;
    let part = bytes::Bytes::from(part(size, 0));
    let begun = Instant::now();
    let (mut stream, _) = client.sends(client.blob_open(1, 2, &key(1), size)).await;
    for number in 0..u32::try_from(mib).unwrap() {
        stream.send.write_chunk(part_header(number, part.len())).await.unwrap();
        stream.send.write_chunk(part.clone()).await.unwrap();
    }
    while !stream.have().await.whole {}
    let sent = begun.elapsed();
    let begun = Instant::now();
    let (mut stream, answer) =
        client.asked(client_frame::Frame::BlobGet(client.blob_get(1, 2, &key(1)))).await;
    assert!(matches!(answer, Frame::BlobHave(_)));
    let mut got = 0;
    while let Some(chunk) = stream.recv.read_chunk(1 << 20, true).await.unwrap() {
        got += chunk.bytes.len() as u64;
    }
    let fetched = begun.elapsed();
    assert!(got > size && got < size + mib * 32, "all of it, and the frames: {got}");
    let rate = |time: std::time::Duration| size as f64 / time.as_secs_f64() / 1e6;
    let grown = peak(program.child.id()) - before;
    println!(
        "{mib} MiB: sent {:.0} MB/s, fetched {:.0} MB/s, {grown} MiB more memory",
        rate(sent),
        rate(fetched)
    );
    assert!(grown <= 32, "16 MiB for each of two transfers: {grown}");
}
