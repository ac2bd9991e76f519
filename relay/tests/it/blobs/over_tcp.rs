//! The same where UDP is blocked, and a chat beside it.

use proto::relay::{BlobGet, BlobOpen, BlobPart, client_frame, relay_frame::Frame};
use relay::Limits;

use super::*;
use crate::tcp::client::{TcpClient, server};

#[tokio::test(flavor = "multi_thread")]
async fn files_come_through_over_tcp_beside_a_chat() {
    let server = server(Limits::default()).await;
    let (ann, size) = (TcpClient::connect(&server).await, 5 * P + 3);
    let mut chat = ann.create(room(1), &key(1)).await;
    let mut stream = ann.stream().await;
    let prove = || Some(proof(&ann.binding, 1, 9, &key(1)));
    stream
        .frame(client_frame::Frame::BlobOpen(BlobOpen { proof: prove(), size, ..BlobOpen::default() }))
        .await;
    assert!(matches!(stream.next().await, Frame::BlobHave(_)));
    for number in 0..6 {
        let bytes = part(size, number).into();
        stream.frame(client_frame::Frame::BlobPart(BlobPart { number, bytes })).await;
        chat.publish([u8::try_from(number).unwrap(); 16], b"in between").await;
        chat.published().await;
    }
    loop {
        match stream.next().await {
            Frame::BlobHave(have) if have.whole => break,
            Frame::BlobHave(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut stream = ann.stream().await;
    stream.frame(client_frame::Frame::BlobGet(BlobGet { proof: prove(), ..BlobGet::default() })).await;
    assert!(matches!(stream.next().await, Frame::BlobHave(_)));
    chat.publish([7; 16], b"while it is fetched").await;
    let mut found = Vec::new();
    while let Some(frame) = stream.try_next().await {
        let Frame::BlobPart(part) = frame else { panic!("{frame:?}") };
        found.push(part);
    }
    assert_eq!(found.len(), 6);
    assert_parts(size, 0, &found);
    chat.published().await;
}
