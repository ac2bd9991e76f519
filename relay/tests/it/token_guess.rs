//! Who guesses tokens, and what is kept of them.

use proto::relay::{refused::Code, relay_frame::Frame};
use relay::{
    Admission, Limits, Rate,
    log::TokenChange,
    ops::metrics::Limit,
    policy::token::{Allowance, TokenHash, TokenRecord},
};

use crate::{common::*, token::*};

#[tokio::test(flavor = "multi_thread")]
async fn guesser_does_not_use_up_the_rooms_of_its_household() {
    let server = guarded(Limits { create: Rate::per_minute(1, 2), ..Limits::default() }).await;
    let client = server.client().await;
    for guess in 1..=4 {
        assert_eq!(code(&create(&client, 99, &[guess; 32]).await), Code::TokenRequired);
    }
    let good = token(&server, FREE).await;
    for number in [1, 2] {
        assert!(is_joined(&create(&client, number, good.as_bytes()).await), "{number}");
    }
    assert_eq!(code(&create(&client, 3, good.as_bytes()).await), Code::RateLimited);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_hash_reaches_the_disk_and_counts_survive_a_restart() {
    let mut server = guarded(Limits::default()).await;
    let two = token(&server, Allowance { uses: 2, ..FREE }).await;
    assert!(is_joined(&create(&server.client().await, 1, two.as_bytes()).await));
    server.restart_configured(|config| config.limits.admission = Admission::Token).await;
    let client = server.client().await;
    assert!(is_joined(&create(&client, 2, two.as_bytes()).await));
    assert_eq!(code(&create(&client, 3, two.as_bytes()).await), Code::TokenSpent);
    server.relay.take().unwrap().shutdown().await;
    let file = std::fs::read(server.directory.path().join("relay.redb")).unwrap();
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|part| part == needle);
    assert!(holds(&TokenHash::of(&two).0), "control: the search finds the hash");
    assert!(!holds(two.as_bytes()) && !holds(two.to_text().as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn guesser_has_to_wait_and_to_come_back_but_a_good_token_does_not() {
    let limits = Limits { bad_tokens: Rate::per_minute(1, 4), ..Limits::default() };
    let server = guarded(limits).await;
    let client = server.client().await;
    let good = token(&server, FREE).await;
    for number in 1..=10 {
        assert!(is_joined(&create(&client, number, good.as_bytes()).await), "{number}");
    }
    for guess in 1..=4 {
        assert_eq!(code(&create(&client, 99, &[guess; 32]).await), Code::TokenRequired);
    }
    let Frame::Refused(refused) = create(&client, 99, &[5; 32]).await else { panic!("joined") };
    assert_eq!(refused.code(), Code::RateLimited);
    assert!(refused.retry_after_ms > 0);
    assert_eq!(server.relay.as_ref().unwrap().metrics().times_limited(Limit::BadTokens), 1);
    // Another connection of the same address is no way around.
    assert_eq!(code(&create(&server.client().await, 99, &[6; 32]).await), Code::RateLimited);
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_with_many_refused_tokens_is_closed() {
    let server = guarded(Limits { bad_tokens: Rate::per_minute(60, 1000), ..Limits::default() }).await;
    let client = server.client().await;
    for guess in 0..relay::policy::limits::REFUSED_JOINS {
        let join = client.join_frame(room(1), &key(1), 0, Some(with(&key(1), &[guess as u8; 32])));
        let mut stream = client.stream().await;
        stream.frame(proto::relay::client_frame::Frame::Join(join)).await;
        let _ = stream.try_next().await;
    }
    let quinn::ConnectionError::ApplicationClosed(close) =
        tokio::time::timeout(PATIENCE, client.connection.closed()).await.expect("closed in time")
    else {
        panic!("not closed in order")
    };
    assert_eq!(close.error_code, proto::CloseCode::RefusedJoins.value().into());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_tokens_than_a_list_may_have_are_refused() {
    let server = guarded(Limits::default()).await;
    let most = relay::policy::limits::MAX_TOKENS as usize;
    let adding = (0..most).map(|_| {
        let (_, record) = TokenRecord::generate(String::new(), FREE, 1).unwrap();
        backend(&server).change_tokens(TokenChange::Add(record))
    });
    for added in futures_util::future::join_all(adding).await {
        added.unwrap();
    }
    let (_, record) = TokenRecord::generate(String::new(), FREE, 1).unwrap();
    let refused = backend(&server).change_tokens(TokenChange::Add(record)).await;
    assert_eq!(refused, Err(relay::log::TokenError::TooMany));
    assert_eq!(backend(&server).tokens().await.unwrap().len(), most);
}

#[tokio::test(flavor = "multi_thread")]
async fn id_that_fits_several_tokens_revokes_none() {
    let server = guarded(Limits::default()).await;
    for last in [1, 2] {
        let hash = TokenHash([[0xab; 31].as_slice(), &[last]].concat().try_into().unwrap());
        let (_, record) = TokenRecord::generate(String::new(), FREE, 1).unwrap();
        backend(&server).change_tokens(TokenChange::Add(TokenRecord { hash, ..record })).await.unwrap();
    }
    let revoke = |id: &str| backend(&server).change_tokens(TokenChange::Revoke(id.parse().unwrap()));
    assert_eq!(revoke("abab").await, Err(relay::log::TokenError::Ambiguous));
    assert_eq!(revoke("abac").await, Err(relay::log::TokenError::Unknown));
    assert_eq!(backend(&server).tokens().await.unwrap().len(), 2);
    assert!(revoke(&format!("{}02", "ab".repeat(31))).await.unwrap().is_some());
}
