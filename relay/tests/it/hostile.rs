//! Bytes that no honest client sends.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use proto::{
    CloseCode, MAX_COMMIT_FRAME, MAX_ENVELOPE,
    relay::{
        Ephemeral, GetSlot, client_frame,
        refused::{Code, Limit as Named},
        relay_frame::Frame,
    },
};
use quinn::{ConnectionError, ReadError, VarInt};

use relay::{
    Limits,
    ops::metrics::Limit,
    policy::limits::{REFUSED_JOINS, REFUSED_JOINS_PER_ADDRESS, STRANGER_STREAMS},
};

use crate::common::*;

#[tokio::test(flavor = "multi_thread")]
async fn other_protocols_are_refused_in_the_handshake() {
    let server = Server::start().await;
    let endpoint = endpoint(server.directory.path(), b"h3");
    let error = endpoint.connect(server.address, "localhost").unwrap().await.unwrap_err();
    // RFC 9001, 8.1: crypto error 0x100 + the TLS alert no_application_protocol (120).
    match error {
        ConnectionError::ConnectionClosed(close) => assert_eq!(u64::from(close.error_code), 0x100 + 120),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_long_frame_is_refused_from_its_length() {
    let server = Server::start().await;
    let client = server.client().await;
    let too_long = u32::try_from(MAX_COMMIT_FRAME + 1).unwrap().to_be_bytes();
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.bytes(&too_long).await;
    let refused = a.refusal().await;
    assert_eq!((refused.code(), refused.limit()), (Code::TooLarge, Named::MessageSize));
    a.ended().await;
    assert_eq!(server.hits(Limit::MessageSize), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_long_envelope_is_refused_and_the_stream_goes_on() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], &vec![0; MAX_ENVELOPE + 1], None).await;
    let refused = a.refusal().await;
    assert_eq!((refused.code(), &*refused.id), (Code::TooLarge, [1; 16].as_slice()));
    a.publish([2; 16], &vec![0; MAX_ENVELOPE], None).await;
    assert_eq!(a.published().await.seq, 1);
    let entry = a.delivered().await;
    assert_eq!(entry.envelope.len(), MAX_ENVELOPE);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_malformed() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut stranger = client.stream().await;
    stranger.bytes(&[0, 0, 0, 3, 0xff, 0xff, 0xff]).await;
    assert_eq!(stranger.refusal().await.code(), Code::Malformed);
    stranger.ended().await;

    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.bytes(&[0, 0, 0, 3, 0xff, 0xff, 0xff]).await;
    assert_eq!(a.refusal().await.code(), Code::Malformed);
    a.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_that_ends_inside_a_frame_is_malformed() {
    let server = Server::start().await;
    let client = server.client().await;
    for part in [&[0u8, 0][..], &[0, 0, 0, 9, 1, 2]] {
        let mut stranger = client.stream().await;
        stranger.bytes(part).await;
        stranger.send.finish().unwrap();
        assert_eq!(stranger.refusal().await.code(), Code::Malformed);
        stranger.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_frame_that_is_no_join_is_malformed() {
    let server = Server::start().await;
    let client = server.client().await;
    for frame in [
        client_frame::Frame::GetSlot(GetSlot::default()),
        client_frame::Frame::Ephemeral(Ephemeral::default()),
    ] {
        let mut stranger = client.stream().await;
        stranger.frame(frame).await;
        assert_eq!(stranger.refusal().await.code(), Code::Malformed);
        stranger.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn second_join_on_a_stream_is_malformed() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.frame(client_frame::Frame::Join(client.join_frame(room(1), &key(1), 0, None))).await;
    assert_eq!(a.refusal().await.code(), Code::Malformed);
    a.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesser_is_shown_out() {
    let server = Server::start().await;
    let client = server.client().await;
    let reason = loop {
        let mut stream = match client.connection.open_bi().await {
            Ok((send, recv)) => (send, recv),
            Err(reason) => break reason,
        };
        let frame = client_frame::Frame::Join(client.join_frame(room(1), &key(1), 0, None));
        let frame = proto::relay::ClientFrame { frame: Some(frame) };
        let _ = stream.0.write_all(&proto::encode_frame(&frame)).await;
        let _ = stream.1.read_to_end(1000).await;
    };
    let ConnectionError::ApplicationClosed(close) = reason else { panic!("{reason:?}") };
    assert_eq!(close.error_code, VarInt::from(CloseCode::RefusedJoins.value()));
    assert_eq!(server.hits(Limit::RefusedJoins), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_the_rooms_that_were_not_there_is_no_guesser() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut rooms = Vec::new();
    // As open rooms are entered: asked for, and opened where they are not there.
    for number in 1..=u8::try_from(REFUSED_JOINS).unwrap() + 8 {
        let mut asked = client.stream().await;
        asked.frame(client_frame::Frame::Join(client.join_frame(room(number), &key(number), 0, None))).await;
        assert_eq!(asked.refusal().await.code(), Code::NotAllowed, "{number}");
        rooms.push(client.create(room(number), &key(number), vec![]).await);
    }
    assert_eq!(server.hits(Limit::RefusedJoins), 0);
}

/// A Join that is refused.
async fn guess(guesser: &Client) -> Stream {
    let mut stream = guesser.stream().await;
    stream.frame(client_frame::Frame::Join(guesser.join_frame(room(1), &key(1), 0, None))).await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn guesser_who_comes_again_waits_and_others_of_the_address_do_not() {
    let server = Server::start().await;
    let honest = server.client().await;
    let _member = honest.create(room(2), &key(2), vec![]).await;
    let burst = REFUSED_JOINS_PER_ADDRESS.burst;
    let others = join_all((0..burst).map(|_| server.client())).await;
    let begun = Instant::now();
    // Twice as many as are free, all at once, each time with another connection.
    for _ in 0..2 {
        let guesser = server.client().await;
        let guesses = join_all((0..burst).map(|_| guess(&guesser))).await;
        for mut stream in guesses {
            assert_eq!(stream.refusal().await.code(), Code::NotAllowed);
        }
    }
    // The last guess waited for those before it but one, however slow this machine is.
    let least = REFUSED_JOINS_PER_ADDRESS.interval * (burst - 2);
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    assert!(server.hits(Limit::RefusedJoinsPerAddress) > 0);

    // More connections owe more together; who was not refused waits for nobody.
    let all_guess = || async {
        for mut stream in join_all(others.iter().map(guess)).await {
            assert_eq!(stream.refusal().await.code(), Code::NotAllowed);
        }
    };
    all_guess().await;
    let member = key(2);
    tokio::select! {
        biased;
        _ = honest.join(room(2), &member, 0) => {}
        () = all_guess() => panic!("the guessers were served first"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_who_is_gone_are_not_judged_one_after_the_other() {
    let server = Server::start().await;
    // Its address owes as much as it can, so that the next guesses wait.
    let others = join_all((0..2 * REFUSED_JOINS_PER_ADDRESS.burst).map(|_| server.client())).await;
    for mut stream in join_all(others.iter().map(guess)).await {
        assert_eq!(stream.refusal().await.code(), Code::NotAllowed);
    }
    drop(others);
    eventually("the others are gone", || server.metrics().connections.get() == 0).await;
    let before = server.hits(Limit::RefusedJoinsPerAddress);
    let gone = server.client().await;
    let mut guesses = join_all((0..STRANGER_STREAMS).map(|_| guess(&gone))).await;
    assert_eq!(guesses[0].refusal().await.code(), Code::NotAllowed);
    gone.connection.close(VarInt::from_u32(0), b"");
    eventually("its place is free", || server.metrics().connections.get() == 0).await;
    let judged = server.hits(Limit::RefusedJoinsPerAddress) - before;
    assert!(judged < u64::from(STRANGER_STREAMS), "{judged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn member_with_rooms_that_are_over_keeps_the_others() {
    let server = Server::start().await;
    let client = server.client().await;
    // Twelve that are over before eighteen that are not, all asked for at once by a new connection.
    let rooms: Vec<u8> = [1; 12].into_iter().chain(2..20).collect();
    for number in &rooms[12..] {
        client.create(room(*number), &key(*number), vec![]).await;
    }
    let client = server.client().await;
    let joins = rooms.iter().map(|number| async {
        let mut stream = client.stream().await;
        let member = key(*number);
        stream.frame(client_frame::Frame::Join(client.join_frame(room(*number), &member, 0, None))).await;
        let joined = stream.try_next().await.filter(|frame| matches!(frame, Frame::Joined(_)));
        joined.map(|_| stream)
    });
    let joined = tokio::time::timeout(PATIENCE, join_all(joins)).await.expect("all are answered");
    assert_eq!(joined.iter().flatten().count(), 18);
    assert!(server.hits(Limit::RefusedJoinsPerAddress) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_reader_delays_nobody() {
    let server = Server::start().await;
    let (slow, quick) = (server.client().await, server.client().await);
    let mut a = quick.create(room(1), &key(1), vec![member(&key(2))]).await;
    // Joins and never reads.
    let _asleep = slow.join(room(1), &key(2), 0).await;
    for id in 0..40 {
        a.publish([id; 16], &vec![id; 256 << 10], None).await;
        assert_eq!(a.published().await.seq, u64::from(id) + 1);
    }
}

/// The relay's patience with strangers, for tests.
fn impatient() -> Limits {
    Limits { join_time: Duration::from_millis(200), ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connection_is_closed() {
    let server = Server::with(impatient()).await;
    let client = server.client().await;
    let ConnectionError::ApplicationClosed(close) = client.connection.closed().await else {
        panic!("not closed by the relay");
    };
    assert_eq!(close.error_code, VarInt::from(CloseCode::TimedOut.value()));
    assert_eq!(server.hits(Limit::JoinTime), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_join_is_not_waited_for() {
    let server = Server::with(impatient()).await;
    let client = server.client().await;
    // Keeps the connection open.
    let _a = client.create(room(1), &key(1), vec![]).await;
    for part in [&[0, 0][..], &[0, 0, 1, 0, 7]] {
        let mut stranger = client.stream().await;
        stranger.bytes(part).await;
        match stranger.recv.read_chunk(1, true).await {
            Err(ReadError::Reset(code)) => assert_eq!(code, VarInt::from(CloseCode::TimedOut.value())),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.hits(Limit::JoinTime), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn joined_client_may_be_silent() {
    let server = Server::with(impatient()).await;
    let quiet = server.client().await;
    let mut a = quiet.create(room(1), &key(1), vec![]).await;
    // Longer than the patience with strangers: a silent one comes and is shown out.
    server.client().await.connection.closed().await;
    a.publish([1; 16], b"still here", None).await;
    assert_eq!(a.delivered().await.seq, 1);
}
