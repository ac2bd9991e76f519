//! Limits as an operator sets them: by flag, variable and file.

use std::fs;

use proto::relay::refused::Limit as Named;
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, command},
};

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
        let browser =
            endpoint(directory.path(), b"h3").connect(program.address, "localhost").unwrap().await.unwrap();
        let mut control = browser.open_uni().await.unwrap();
        let _ = control.write_all(&[0, 4, 0x80, 0xff, 0xff, 0xff]).await;
        browser.closed().await;
        let mut stranger = client.stream().await;
        stranger.bytes(&[0, 0, 0, 3, 0xff, 0xff, 0xff]).await;
        stranger.ended_with_refusal().await;
    }
    // The last of these strangers may be on its way out still.
    let way = endpoint(directory.path(), proto::ALPN);
    let second = async {
        loop {
            if let Ok(connection) = way.connect(program.address, "localhost").unwrap().await {
                break connection;
            }
        }
    };
    let _second = tokio::time::timeout(PATIENCE, second).await.expect("there is a place");
    let full = endpoint(directory.path(), proto::ALPN);
    for _ in 0..100 {
        assert!(is_refused(full.connect(program.address, "localhost").unwrap().await));
    }
    let written = program.log();
    assert!(written.lines().count() < 20, "{written}");
}
