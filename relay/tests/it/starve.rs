//! A few addresses that hold what all share: memory for large frames, announced, sent slowly or not read.

use std::time::Duration;

use proto::{
    MAX_COMMIT_FRAME, MAX_ENVELOPE, encode_frame,
    relay::{ClientFrame, Publish, client_frame, refused::Code},
};
use relay::{ops::metrics::Limit, policy::limits::MAX_FIRST_FRAME};

use crate::common::*;

/// Addresses of those who hold it.
const PLACES: u8 = 12;

/// Streams of each.
const STREAMS: u8 = 8;

/// Less than it takes until a frame without progress is given up, so that nobody gets what was held that way.
const SOON: Duration = Duration::from_secs(20);

async fn client_from(server: &Server, last: u8) -> Client {
    let connection = server.connect_from(last).await.unwrap();
    Client { endpoint: endpoint(server.directory.path(), proto::ALPN), connection }
}

/// A room's many members: the founder, and those of each place.
fn members() -> Vec<proto::relay::AccessKey> {
    (0..PLACES * STREAMS).map(|number| member(&key(100 + number))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_take_nothing_leave_memory_to_others() {
    let server = Server::start().await;
    let honest = server.client().await;
    let mut founder = honest.create(room(1), &key(1), members()).await;
    founder.publish([1; 16], &vec![7; MAX_ENVELOPE], None).await;
    founder.published().await;
    let mut held = Vec::new();
    for place in 0..PLACES {
        let hoarder = client_from(&server, 10 + place).await;
        for number in 0..STREAMS {
            let (stream, _) = hoarder.join(room(1), &key(100 + place * STREAMS + number), 0).await;
            held.push(stream);
        }
        held.push(hoarder.stream().await);
    }
    let (mut reader, _) = honest.join(room(1), &key(1), 0).await;
    let read = tokio::time::timeout(SOON, reader.delivered()).await.expect("others have to wait");
    assert_eq!(read.envelope.len(), MAX_ENVELOPE);
    eventually("whoever makes room for others is counted", || server.hits(Limit::SlowFrame) > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_who_announce_great_frames_leave_memory_to_others() {
    let server = Server::start().await;
    let honest = server.client().await;
    let mut founder = honest.create(room(1), &key(1), members()).await;
    let length = u32::try_from(MAX_COMMIT_FRAME).unwrap().to_be_bytes();
    let mut held = Vec::new();
    for place in 0..PLACES {
        let hoarder = client_from(&server, 10 + place).await;
        for number in 0..STREAMS {
            let (mut stream, _) = hoarder.join(room(1), &key(100 + place * STREAMS + number), 0).await;
            stream.bytes(&length).await;
            stream.bytes(&[0; 100]).await;
            held.push(stream);
        }
    }
    founder.publish([1; 16], &vec![7; 200 << 10], None).await;
    let published = tokio::time::timeout(SOON, founder.published()).await.expect("others have to wait");
    assert_eq!(published.seq, 1);
    assert_eq!(server.hits(Limit::SlowFrame), 0, "there was enough");
}

/// A publish of 12 MiB, which is too large and refused, but not before it is there.
fn great_publish(id: u8) -> Vec<u8> {
    let (id, envelope) = (vec![id; 16].into(), vec![7; 12 << 20].into());
    let publish = Publish { id, envelope, ..Publish::default() };
    encode_frame(&ClientFrame { frame: Some(client_frame::Frame::Publish(publish)) })
}

#[tokio::test(flavor = "multi_thread")]
async fn sender_who_makes_room_for_others_is_told_to_come_again_on_the_same_stream() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut honest = client.create(room(1), &key(1), (2..=4).map(|name| member(&key(name))).collect()).await;
    // All that one address may hold, in three frames that stop where they are.
    let mut stopped = Vec::new();
    for (name, sent) in [(2, 9 << 20), (3, 9 << 20), (4, 5 << 20)] {
        let (mut stream, _) = client.join(room(1), &key(name), 0).await;
        let frame = great_publish(name);
        stream.bytes(&frame[..sent]).await;
        stopped.push((name, stream, frame[sent..].to_vec()));
    }
    honest.publish([1; 16], &vec![7; 200 << 10], None).await;
    assert_eq!(honest.published().await.seq, 1);
    let mut again = 0;
    for (name, mut stream, rest) in stopped {
        stream.bytes(&rest).await;
        let refused = stream.refusal().await;
        assert_eq!(*refused.id, [name; 16], "it is told which of its messages that was");
        match refused.code() {
            Code::RateLimited => {
                again += 1;
                assert!(refused.retry_after_ms > 0);
            }
            code => assert_eq!(code, Code::TooLarge),
        }
        stream.publish([10 + name; 16], b"a word", None).await;
        assert!(stream.published().await.seq > 1);
    }
    assert!(again > 0);
    assert_eq!(server.hits(Limit::SlowFrame), again);
}

#[tokio::test(flavor = "multi_thread")]
async fn great_frame_before_any_proof_is_refused_from_its_length() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut stranger = client.stream().await;
    let length = u32::try_from(MAX_FIRST_FRAME + 1).unwrap().to_be_bytes();
    stranger.bytes(&length).await;
    assert_eq!(stranger.refusal().await.code(), Code::TooLarge);
    stranger.ended().await;
    assert_eq!(server.hits(Limit::FirstSlot), 1);
    // And whoever has joined may say as much as before.
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], &vec![0; MAX_ENVELOPE], None).await;
    assert_eq!(a.published().await.seq, 1);
}
