//! `kill -9` while a file is sent: what was acknowledged is there, and nothing half is shown as whole.

use tempfile::TempDir;

use super::*;
use crate::program::Program;

#[tokio::test(flavor = "multi_thread")]
async fn killed_relay_has_every_part_that_it_acknowledged() {
    let directory = TempDir::new().unwrap();
    let size = 40 * P + 9;
    let mut acknowledged = std::collections::BTreeSet::new();
    for round in 0..4u32 {
        let mut program = Program::start(directory.path());
        let client = Client::connect(program.address, directory.path()).await;
        drop(client.create(room(1), &key(1), vec![]).await);
        let (mut stream, have) = client.sends(client.blob_open(1, 9, &key(1), size)).await;
        let there = parts(&have);
        for number in &acknowledged {
            assert!(there.has(*number), "part {number} was acknowledged before round {round}");
        }
        let missing: Vec<u32> = there.missing().collect();
        if round == 3 {
            for number in missing {
                stream.part(number, part(size, number)).await;
            }
            while !stream.have().await.whole {}
            let (_, found) = client.fetched(client.blob_get(1, 9, &key(1))).await;
            assert_eq!(found.len(), 41);
            assert_parts(size, 0, &found);
            assert_eq!(on_disk(directory.path()).len(), 1, "no file of another life is left");
            break;
        }
        let get = client_frame::Frame::BlobGet(client.blob_get(1, 9, &key(1)));
        assert_eq!(client.no(get).await.code(), proto::relay::refused::Code::NoBlob, "it is not whole");
        // Some are acknowledged, others are on their way.
        for number in missing.iter().take(7) {
            stream.part(*number, part(size, *number)).await;
        }
        let have = stream.have().await;
        acknowledged.extend((0..41).filter(|number| parts(&have).has(*number)));
        for number in missing.iter().skip(7).take(4) {
            stream.part(*number, part(size, *number)).await;
        }
        program.child.kill().unwrap();
        program.child.wait().unwrap();
    }
}
