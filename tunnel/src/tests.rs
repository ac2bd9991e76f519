//! Two ends over a pipe in memory, and an end that meets bytes that no end of this kind sends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use proto::CloseCode;
use tokio::{
    io::{DuplexStream, duplex},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{
            Role,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

use crate::{End, RecvHalf, Rules, StreamGone, Tunnel, limits::STREAM_WINDOW};

/// Far longer than anything takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

fn rules() -> Rules {
    Rules {
        streams: 4,
        unread: 2 << 20,
        unread_by_strangers: 320 << 10,
        known: Arc::new(AtomicBool::new(true)),
        idle: Duration::from_secs(45),
        keep_alive: Duration::from_secs(15),
    }
}

async fn web_socket(pipe: DuplexStream, role: Role) -> WebSocketStream<DuplexStream> {
    WebSocketStream::from_raw_socket(pipe, role, Some(crate::limits::web_socket())).await
}

async fn pair(server: Rules) -> (Tunnel, Tunnel) {
    let (near, far) = duplex(64 << 10);
    let client = Tunnel::start(web_socket(near, Role::Client).await, rules(), yamux::Mode::Client);
    (client, Tunnel::server(far, server).await)
}

/// A server's end, and the messages of a client that obeys nothing.
async fn against(rules: Rules) -> (Tunnel, WebSocketStream<DuplexStream>) {
    let (near, far) = duplex(1 << 20);
    let client = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
    (Tunnel::server(far, rules).await, client)
}

/// The code with which the server closes.
async fn closed_with(client: &mut WebSocketStream<DuplexStream>) -> u16 {
    let code = async {
        loop {
            match client.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
    };
    timeout(PATIENCE, code).await.expect("the end in time")
}

async fn rest(half: &mut RecvHalf) -> Result<Vec<u8>, StreamGone> {
    let mut all = Vec::new();
    while let Some(chunk) = timeout(PATIENCE, half.read_chunk(1000)).await.expect("bytes in time")? {
        assert!(chunk.len() <= 1000);
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

fn header(kind: u8, flags: u16, stream: u32, length: u32) -> Vec<u8> {
    [&[0, kind][..], &flags.to_be_bytes(), &stream.to_be_bytes(), &length.to_be_bytes()].concat()
}

#[tokio::test]
async fn bytes_arrive_in_order_and_halves_end_apart() {
    let (client, server) = pair(rules()).await;
    let sent: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    let (mut up, mut down) = client.open().await.unwrap();
    let copy = sent.clone();
    let upload = tokio::spawn(async move {
        up.write_all(&copy).await.unwrap();
        up.finish().await.unwrap();
        up
    });
    let (mut answer, mut question) = server.accept().await.unwrap();
    assert!(rest(&mut question).await.unwrap() == sent);
    answer.write_all(b"all of it").await.unwrap();
    answer.finish().await.unwrap();
    assert_eq!(rest(&mut down).await.unwrap(), b"all of it");
    timeout(PATIENCE, answer.ended()).await.expect("the client has ended its half");
    drop(upload.await.unwrap());
}

#[tokio::test]
async fn stream_that_is_dropped_is_broken_off_not_ended() {
    let (client, server) = pair(rules()).await;
    let (mut up, down) = client.open().await.unwrap();
    up.write_all(b"half of").await.unwrap();
    let (_answer, mut question) = server.accept().await.unwrap();
    assert_eq!(question.read_chunk(7).await.unwrap().unwrap(), b"half of"[..]);
    drop((up, down));
    assert_eq!(rest(&mut question).await, Err(StreamGone));
}

#[tokio::test]
async fn stream_that_nobody_reads_holds_up_no_other() {
    let (client, server) = pair(rules()).await;
    let (mut stuck, _stuck_down) = client.open().await.unwrap();
    let filling = tokio::spawn(async move { stuck.write_all(&vec![7; 2 * STREAM_WINDOW]).await });
    let _unread = server.accept().await.unwrap();
    let (mut up, _down) = client.open().await.unwrap();
    up.write_all(b"past it").await.unwrap();
    up.finish().await.unwrap();
    let (_answer, mut question) = timeout(PATIENCE, server.accept()).await.unwrap().unwrap();
    assert_eq!(rest(&mut question).await.unwrap(), b"past it");
    assert!(!filling.is_finished());
}

#[tokio::test]
async fn both_ends_learn_why_it_ended() {
    let (client, server) = pair(rules()).await;
    let (mut up, _down) = client.open().await.unwrap();
    up.write_all(b"hello").await.unwrap();
    let (_answer, mut question) = server.accept().await.unwrap();
    server.close(CloseCode::ShuttingDown);
    assert_eq!(timeout(PATIENCE, client.closed()).await.unwrap(), End::Peer(Some(CloseCode::ShuttingDown)));
    assert_eq!(timeout(PATIENCE, server.closed()).await.unwrap(), End::Ours);
    assert!(client.open().await.is_err() && server.accept().await.is_none());
    // What came before the end can be read; then it is over.
    assert_eq!(question.read_chunk(9).await.unwrap().unwrap(), b"hello"[..]);
    assert_eq!(rest(&mut question).await, Err(StreamGone));
}

#[tokio::test]
async fn end_reaches_a_client_that_reads_nothing_or_is_given_up() {
    let (server, client) = against(rules()).await;
    drop(client);
    assert_eq!(timeout(PATIENCE, server.closed()).await.unwrap(), End::Lost);
    let (server, _client) = against(rules()).await;
    server.close(CloseCode::Done);
    assert_eq!(timeout(PATIENCE, server.closed()).await.unwrap(), End::Ours);
}

#[tokio::test]
async fn stream_over_the_limit_is_broken_off_and_the_others_go_on() {
    let (client, server) = pair(Rules { streams: 2, ..rules() }).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let (mut up, down) = client.open().await.unwrap();
        up.write_all(b"x").await.unwrap();
        open.push((up, down));
    }
    let (mut answer, _q1) = server.accept().await.unwrap();
    let _second = server.accept().await.unwrap();
    assert_eq!(rest(&mut open[2].1).await, Err(StreamGone));
    answer.write_all(b"still here").await.unwrap();
    assert_eq!(open[0].1.read_chunk(99).await.unwrap().unwrap(), b"still here"[..]);
}

#[tokio::test]
async fn more_streams_than_may_be_open_wait_for_their_turn() {
    let (client, _server) = pair(rules()).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(client.open().await.unwrap());
    }
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.open().await.is_ok() }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    open.pop();
    assert!(timeout(PATIENCE, waiting).await.unwrap().unwrap());
}

#[tokio::test]
async fn stranger_who_is_not_read_is_shown_out_sooner_than_somebody_known() {
    let known = Arc::new(AtomicBool::new(false));
    let strict = Rules { known: known.clone(), unread: 700 << 10, ..rules() };
    let fill = |stream: u32| [header(0, 1, stream, 200 << 10), vec![7; 200 << 10]].concat();
    for (welcome, streams) in [(false, 2), (true, 4)] {
        known.store(welcome, Ordering::Relaxed);
        let (server, mut client) = against(strict.clone()).await;
        let taken = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Some(stream) = server.accept().await {
                open.push(stream);
            }
            open.len()
        });
        for stream in 0..streams {
            for part in fill(2 * stream + 1).chunks(32 << 10) {
                client.send(Message::binary(part.to_vec())).await.unwrap();
            }
        }
        assert_eq!(closed_with(&mut client).await, 4000 + 5);
        drop(client);
        assert_eq!(taken.await.unwrap(), streams as usize - 1);
    }
}

#[tokio::test]
async fn text_is_malformed_and_a_great_message_is_too_large() {
    for (message, code) in [
        (Message::text("hello"), CloseCode::Malformed),
        (Message::binary(vec![0; (64 << 10) + 1]), CloseCode::TooLarge),
        (Message::binary(header(0, 1, 1, 1 << 20)), CloseCode::TooLarge),
    ] {
        let (_server, mut client) = against(rules()).await;
        client.send(message).await.unwrap();
        assert_eq!(u32::from(closed_with(&mut client).await), 4000 + code.value());
    }
}

#[tokio::test]
async fn garbage_ends_the_connection() {
    for garbage in [vec![0xff; 24], header(9, 0, 0, 0), vec![7; 5]] {
        let (server, mut client) = against(rules()).await;
        client.send(Message::binary(garbage)).await.unwrap();
        // An end in the middle of a header is one as well.
        client.close(None).await.unwrap();
        assert!(matches!(timeout(PATIENCE, server.closed()).await.unwrap(), End::Lost | End::Peer(None)));
    }
}

#[tokio::test(start_paused = true)]
async fn silent_end_is_gone_and_one_that_answers_is_not() {
    let (server, client) = against(rules()).await;
    assert_eq!(server.closed().await, End::Silent);
    drop(client);
    let (client, server) = pair(rules()).await;
    tokio::select! {
        end = client.closed() => panic!("{end:?}"),
        end = server.closed() => panic!("{end:?}"),
        () = tokio::time::sleep(Duration::from_secs(3600)) => {}
    }
}

#[tokio::test]
async fn frames_that_break_the_rules_end_the_connection() {
    let open = |kind, stream, length| header(kind, 1, stream, length);
    let window = u32::try_from(STREAM_WINDOW).unwrap();
    let (full, more) = (vec![0; STREAM_WINDOW], header(0, 0, 1, 9));
    let cases = [
        ("a stream of our numbers", open(1, 2, 0)),
        ("a stream twice", [open(1, 1, 0), open(1, 1, 0)].concat()),
        ("credit without end", open(1, 1, u32::MAX)),
        ("credit that runs over", [open(1, 1, 0), header(1, 0, 1, u32::MAX)].concat()),
        ("more than the window", [open(0, 1, window), full, more, vec![0; 9]].concat()),
    ];
    for (what, frames) in cases {
        let (server, mut client) = against(rules()).await;
        for piece in frames.chunks(16 << 10) {
            client.send(Message::Binary(piece.to_vec().into())).await.unwrap();
        }
        assert_eq!(u32::from(closed_with(&mut client).await), 4000 + CloseCode::Malformed.value(), "{what}");
        assert_eq!(timeout(PATIENCE, server.closed()).await.unwrap(), End::Ours, "{what}");
    }
}

#[tokio::test]
async fn messages_that_carry_nothing_end_the_connection() {
    let piece = |kind, is_last| Message::Frame(Frame::message(Vec::<u8>::new(), OpCode::Data(kind), is_last));
    let cases: [(&str, Message); 4] = [
        ("empty messages", Message::Binary(Vec::new().into())),
        ("empty pieces of a message without an end", piece(Data::Continue, false)),
        ("pings", Message::Ping(Vec::new().into())),
        ("frames for streams that are not there", Message::Binary(header(0, 0, 99, 0).into())),
    ];
    for (what, message) in cases {
        let (server, mut client) = against(rules()).await;
        if matches!(message, Message::Frame(_)) {
            client.send(piece(Data::Binary, false)).await.unwrap();
        }
        for _ in 0..=crate::limits::IDLE_FRAMES {
            // Those at the end may find nobody.
            let _ = client.send(message.clone()).await;
        }
        assert_eq!(u32::from(closed_with(&mut client).await), 4000 + CloseCode::TooMany.value(), "{what}");
        assert_eq!(timeout(PATIENCE, server.closed()).await.unwrap(), End::Ours, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_sends_on_after_the_goodbye_is_cut_off() {
    let (server, mut client) = against(rules()).await;
    client.send(Message::text("hello")).await.unwrap();
    // Nobody is ever idle meanwhile, so no time passes.
    let mut taken = 0;
    while taken < 10_000 && client.send(Message::binary(vec![0; 16 << 10])).await.is_ok() {
        taken += 1;
    }
    assert!(taken < 10_000, "all of it was read");
    assert_eq!(server.closed().await, End::Ours);
}
