//! Memory for frames that open rooms: announced before anybody has proved anything, and shared by all strangers.

use std::time::Duration;

use proto::relay::Slot;
use relay::{Limits, policy::limits::MAX_FIRST_FRAME};

use crate::common::*;

/// Streams that a stranger has on one connection.
const STREAMS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn address_that_announces_great_frames_leaves_memory_to_others() {
    // So that nothing here is given up before the test has its answer.
    let server = Server::with(Limits { join_time: Duration::from_secs(600), ..Limits::default() }).await;
    let length = u32::try_from(MAX_FIRST_FRAME).unwrap().to_be_bytes();
    let mut held = Vec::new();
    for _ in 0..2 {
        let hoarder = server.connect_from(1).await.unwrap();
        for _ in 0..STREAMS {
            let (mut send, recv) = hoarder.open_bi().await.unwrap();
            send.write_all(&length).await.unwrap();
            send.write_all(&[0; 100]).await.unwrap();
            held.push((hoarder.clone(), send, recv));
        }
    }
    let connection = server.connect_from(2).await.unwrap();
    let other = Client { endpoint: endpoint(server.directory.path(), proto::ALPN), connection };
    let mut create = opening(&key(1), vec![]);
    create.slot = Some(Slot { last_commit: 0, sealed: vec![0; 60 << 10].into(), ..Slot::default() });
    let join = other.join_frame(room(1), &key(1), 0, Some(create));
    let opened = tokio::time::timeout(PATIENCE, other.try_join(join)).await.expect("others have to wait");
    assert!(matches!(opened.1, proto::relay::relay_frame::Frame::Joined(_)), "{:?}", opened.1);
}
