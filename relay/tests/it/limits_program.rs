//! Limits as an operator sets them: by flag, variable and file.

use std::{fs, net::SocketAddr, time::Duration};

use proto::relay::refused::Limit as Named;
use quinn::{Connection, Endpoint};
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, command},
};

/// Between two tries to come in: soon enough, and no flood on a busy machine.
const PAUSE: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn limits_from_flag_variable_and_file_are_all_in_force() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("relay.toml");
    fs::write(&file, "rooms-per-address = 2\nmax-keys-per-room = 2").unwrap();
    let mut command = command(directory.path());
    command.arg("--config").arg(file).env("RELAY_MAX_MESSAGE_KIB", "1");
    command.args(["--listen", "127.0.0.1:0", "--json", "--rate", "2"]);
    command.args(["--max-connections-per-address", "1", "--rooms-per-connection", "1"]);
    let program = Program::run(directory.path(), command);
    let client = Client::connect(program.address, directory.path()).await;
    let again = endpoint(directory.path(), proto::ALPN).connect(program.address, "localhost").unwrap().await;
    assert!(is_refused(again), "--max-connections-per-address");

    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let refused = client.refusal(client.join_frame(room(1), &key(2), 0, None)).await;
    assert_eq!(refused.limit(), Named::RoomsPerConnection);
    a.publish([1; 16], &[0; 1025], None).await;
    assert_eq!(a.refusal().await.limit(), Named::MessageSize);
    a.publish([1; 16], &[0; 1024], Some(commit(0, vec![member(&key(3))], vec![]))).await;
    assert_eq!(a.refusal().await.limit(), Named::AccessKeys);
    a.publish([2; 16], &[0; 1024], None).await;
    a.published().await;
    a.publish([3; 16], &[0; 1024], None).await;
    assert_eq!(a.refusal().await.limit(), Named::MemberRate);
}

#[tokio::test(flavor = "multi_thread")]
async fn flood_of_refusals_fills_no_log() {
    let directory = TempDir::new().unwrap();
    let program = Program::with(directory.path(), &["--rate", "1", "--max-connections-per-address", "2"]);
    let client = Client::connect(program.address, directory.path()).await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([0; 16], b"x", None).await;
    a.published().await;
    for id in 1..=100 {
        a.publish([id; 16], b"x", None).await;
        assert_eq!(a.refusal().await.limit(), Named::MemberRate);
    }
    for _ in 0..20 {
        let wrong =
            endpoint(directory.path(), b"schat/0").connect(program.address, "localhost").unwrap().await;
        assert!(wrong.is_err());
        // Of HTTP/3 comes rubbish.
        let browser = let_in(program.address, &endpoint(directory.path(), b"h3")).await;
        let mut control = browser.open_uni().await.unwrap();
        let _ = control.write_all(&[0, 4, 0x80, 0xff, 0xff, 0xff]).await;
        browser.closed().await;
        let mut stranger = client.stream().await;
        stranger.bytes(&[0, 0, 0, 3, 0xff, 0xff, 0xff]).await;
        stranger.ended_with_refusal().await;
    }
    let _second = let_in(program.address, &endpoint(directory.path(), proto::ALPN)).await;
    let full = endpoint(directory.path(), proto::ALPN);
    for _ in 0..100 {
        assert!(is_refused(full.connect(program.address, "localhost").unwrap().await));
    }
    let written = program.log();
    assert!(written.lines().count() < 20, "{written}");
}

/// Somebody's connection, once there is a place: whoever had it may be on its way out still.
async fn let_in(relay: SocketAddr, way: &Endpoint) -> Connection {
    let connected = async {
        loop {
            if let Ok(connection) = way.connect(relay, "localhost").unwrap().await {
                break connection;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.expect("there is a place")
}
