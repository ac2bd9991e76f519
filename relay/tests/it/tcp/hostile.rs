//! Bytes, and silence, that no honest client sends over TCP.

use std::time::Duration;

use proto::{
    CloseCode,
    relay::{GetSlot, client_frame, refused::Code, relay_frame::Frame},
};
use relay::{Limits, Rate, ops::metrics::Window};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tunnel::End;

use super::client::{TcpClient, join_frame, secured, server, try_secured};
use crate::common::*;

/// Waits until the relay hangs up.
async fn hangs_up(socket: &mut (impl AsyncReadExt + Unpin)) {
    let mut rest = Vec::new();
    // Broken off is as good as ended.
    let _ = timeout(PATIENCE, socket.read_to_end(&mut rest)).await.expect("the end in time");
}

async fn until_nobody_shakes_hands(server: &Server) {
    let metrics = server.relay.as_ref().unwrap().metrics();
    let quiet = async {
        while metrics.handshakes.get() > 0 || metrics.connections.get() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, quiet).await.expect("every place is given back");
}

fn hasty() -> Limits {
    Limits { join_time: Duration::from_millis(200), ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_instead_of_tls_costs_nobody_a_place() {
    let server = server(Limits::default()).await;
    for garbage in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0xff; 5000], &[0x16, 3, 1, 0xff, 0xff, 1]] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        socket.shutdown().await.unwrap();
        hangs_up(&mut socket).await;
    }
    until_nobody_shakes_hands(&server).await;
    let _honest = TcpClient::connect(&server).await.create(room(1), &key(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_shown_out_at_each_step() {
    let server = server(hasty()).await;
    let mut half_open = TcpStream::connect(server.address).await.unwrap();
    let mut half_tls = TcpStream::connect(server.address).await.unwrap();
    half_tls.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    let mut no_request = secured(server.address, server.directory.path(), b"http/1.1").await;
    let mut half_request = secured(server.address, server.directory.path(), b"http/1.1").await;
    half_request.write_all(b"GET /schat HTTP/1.1\r\nHost: r\r\nX: ").await.unwrap();
    for socket in [&mut half_open, &mut half_tls] {
        hangs_up(socket).await;
    }
    for socket in [&mut no_request, &mut half_request] {
        hangs_up(socket).await;
    }
    until_nobody_shakes_hands(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_without_a_join_times_out() {
    let server = server(hasty()).await;
    let tcp = TcpClient::connect(&server).await;
    let mut half = tcp.stream().await;
    half.send.write_all(&[0, 0]).await.unwrap();
    assert!(half.try_next().await.is_none());
    assert_eq!(tcp.tunnel.closed().await, End::Peer(Some(CloseCode::TimedOut)));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_protocol_is_refused_in_the_handshake() {
    let server = server(Limits::default()).await;
    let error = try_secured(server.address, server.directory.path(), proto::ALPN).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn first_frame_that_is_no_join_and_an_over_long_one_are_refused() {
    let server = server(Limits::default()).await;
    let tcp = TcpClient::connect(&server).await;
    let mut stranger = tcp.stream().await;
    stranger.frame(client_frame::Frame::GetSlot(GetSlot::default())).await;
    assert_eq!(code(&stranger.next().await), Code::Malformed);
    assert!(stranger.try_next().await.is_none());
    let mut stranger = tcp.stream().await;
    stranger.send.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
    assert_eq!(code(&stranger.next().await), Code::TooLarge);
    assert!(stranger.try_next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn guesser_is_shown_out() {
    let server = server(Limits::default()).await;
    let tcp = TcpClient::connect(&server).await;
    while let Ok((mut send, mut recv)) = tcp.tunnel.open().await {
        let frame = client_frame::Frame::Join(join_frame(tcp.binding, room(1), &key(1), None));
        let frame = proto::relay::ClientFrame { frame: Some(frame) };
        let _ = send.write_all(&proto::encode_frame(&frame)).await;
        while let Ok(Some(_)) = recv.read_chunk(1000).await {}
    }
    assert_eq!(tcp.tunnel.closed().await, End::Peer(Some(CloseCode::RefusedJoins)));
}

#[tokio::test(flavor = "multi_thread")]
async fn stranger_cannot_make_the_relay_keep_much() {
    let server = server(Limits::default()).await;
    let tcp = TcpClient::connect(&server).await;
    // Each announces a frame that opens a room, for which there is no memory in such numbers, and goes on.
    let frame = [&(8u32 << 20).to_be_bytes()[..], &[7; 200 << 10]].concat();
    let mut open = Vec::new();
    while let Ok((mut send, recv)) = tcp.tunnel.open().await {
        let _ = timeout(PATIENCE, send.write_all(&frame)).await.expect("the relay takes it or hangs up");
        open.push((send, recv));
        assert!(open.len() < 200, "nothing stops it");
    }
    let end = tcp.tunnel.closed().await;
    assert_eq!(end, End::Peer(Some(CloseCode::TooMany)));
    eventually("it is counted", || server.metrics().times_blocked(Window::Tcp) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_streams_are_told_that_they_are_too_many() {
    let mut limits = Limits { rooms_per_connection: 1, ..Limits::default() };
    // What has not said what it is may be a file's, and one more may be there to delete one.
    limits.files.transfers_per_connection = 0;
    let server = server(limits).await;
    let tcp = TcpClient::connect(&server).await;
    let _one = tcp.create(room(1), &key(1)).await;
    let mut stalled = tcp.stream().await;
    stalled.send.write_all(&[0]).await.unwrap();
    let mut over = tcp.stream().await;
    over.send.write_all(&[0]).await.unwrap();
    let Frame::Refused(refused) = over.next().await else { panic!("it is let in") };
    assert_eq!(refused.limit(), proto::relay::refused::Limit::RoomsPerConnection);
    let _ = stalled;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_in_haste_are_too_many() {
    let server = server(Limits { joins_per_connection: Rate::per_minute(1, 5), ..Limits::default() }).await;
    let tcp = TcpClient::connect(&server).await;
    // Of a member: those of strangers are taken one by one.
    let _one = tcp.create(room(1), &key(1)).await;
    let mut open = Vec::new();
    while let Ok((mut send, recv)) = tcp.tunnel.open().await {
        if send.write_all(&[0]).await.is_err() {
            break;
        }
        open.push((send, recv));
    }
    assert_eq!(tcp.tunnel.closed().await, End::Peer(Some(CloseCode::TooMany)));
}

#[tokio::test(flavor = "multi_thread")]
async fn member_that_breaks_off_in_a_frame_gives_its_seat_back() {
    let server = server(Limits::default()).await;
    let tcp = TcpClient::connect(&server).await;
    let mut a = tcp.create(room(1), &key(1)).await;
    a.send.write_all(&[0, 0, 0, 9, 1, 2]).await.unwrap();
    drop(a);
    let mut again = tcp.join(room(1), &key(1)).await;
    again.publish([1; 16], b"still here").await;
    assert!(matches!(again.next().await, Frame::Published(_) | Frame::Deliver(_)));
}
