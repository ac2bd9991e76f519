//! Who may open rooms: with tokens, without, and with what is none.

use proto::{
    Token,
    relay::{Create, Refused, refused::Code, relay_frame::Frame},
};
use relay::{
    Admission, Limits, Rate,
    log::TokenChange,
    ops::metrics::Limit,
    policy::token::{Allowance, TokenHash, TokenRecord},
};
use tokio::task::JoinSet;

use crate::common::*;

pub(crate) const FREE: Allowance = Allowance { rooms: 0, uses: 0, expires_ms: 0 };

/// A relay that asks for tokens.
pub(crate) async fn guarded(limits: Limits) -> Server {
    Server::configured(|config| {
        config.limits = limits;
        config.limits.admission = Admission::Token;
    })
    .await
}

pub(crate) fn backend(server: &Server) -> &dyn relay::log::Backend {
    server.relay.as_ref().unwrap().backend()
}

pub(crate) async fn token(server: &Server, allowance: Allowance) -> Token {
    let (token, record) = TokenRecord::generate("test".into(), allowance, 1).unwrap();
    backend(server).change_tokens(TokenChange::Add(record)).await.unwrap();
    token
}

/// What the relay says of this token.
pub(crate) async fn kept(server: &Server, token: &Token) -> TokenRecord {
    let all = backend(server).tokens().await.unwrap();
    all.into_iter().find(|kept| kept.hash == TokenHash::of(token)).unwrap()
}

pub(crate) async fn revoke(server: &Server, token: &Token) -> relay::log::Revoked {
    let id = TokenHash::of(token).id().parse().unwrap();
    backend(server).change_tokens(TokenChange::Revoke(id)).await.unwrap().unwrap()
}

pub(crate) fn with(key: &ed25519_dalek::SigningKey, token: &[u8]) -> Create {
    Create { token: token.to_vec().into(), ..opening(key, vec![]) }
}

/// The answer to a Create of this room with these bytes as token.
pub(crate) async fn create(client: &Client, number: u8, token: &[u8]) -> Frame {
    let key = key(number);
    client.try_join(client.join_frame(room(number), &key, 0, Some(with(&key, token)))).await.1
}

pub(crate) fn is_joined(frame: &Frame) -> bool {
    matches!(frame, Frame::Joined(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn room_without_a_token_is_refused_and_not_made() {
    let server = guarded(Limits::default()).await;
    let client = server.client().await;
    assert_eq!(code(&create(&client, 1, b"").await), Code::TokenRequired);
    assert_eq!(client.refused(client.join_frame(room(1), &key(1), 0, None)).await, Code::NotAllowed);
    let good = token(&server, FREE).await;
    assert!(is_joined(&create(&client, 1, good.as_bytes()).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn open_relay_asks_nobody_and_counts_nothing() {
    let server = Server::start().await;
    let client = server.client().await;
    let good = token(&server, Allowance { uses: 1, ..FREE }).await;
    for (number, shown) in [(1, &b""[..]), (2, good.as_bytes()), (3, good.as_bytes()), (4, &[9; 32])] {
        assert!(is_joined(&create(&client, number, shown).await), "{number}");
    }
    assert_eq!(kept(&server, &good).await.uses, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_of_another_length_is_malformed() {
    let server = guarded(Limits::default()).await;
    let client = server.client().await;
    for length in [1, 31, 33, 600] {
        assert_eq!(code(&create(&client, 1, &vec![7; length]).await), Code::Malformed, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_revoked_expired_and_hashed_tokens_get_one_answer() {
    let server = guarded(Limits::default()).await;
    let client = server.client().await;
    let (expired, revoked, good) = (
        token(&server, Allowance { expires_ms: 2, ..FREE }).await,
        token(&server, FREE).await,
        token(&server, FREE).await,
    );
    revoke(&server, &revoked).await;
    let hash = TokenHash::of(&good).0;
    for shown in [&[7; 32], expired.as_bytes(), revoked.as_bytes(), &hash, &[0; 32]] {
        let Frame::Refused(refused) = create(&client, 1, shown).await else { panic!("it opened a room") };
        assert_eq!(refused, Refused { code: Code::TokenRequired.into(), ..Refused::default() });
    }
    assert!(is_joined(&create(&client, 1, good.as_bytes()).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_token_learns_which_rooms_exist() {
    let server = guarded(Limits::default()).await;
    let client = server.client().await;
    let good = token(&server, FREE).await;
    assert!(is_joined(&create(&client, 1, good.as_bytes()).await));
    for (existing, shown) in [(1, &b""[..]), (2, b""), (1, &[7; 32]), (2, &[7; 32])] {
        let join = client.join_frame(room(existing), &key(9), 0, Some(with(&key(9), shown)));
        assert_eq!(client.refused(join).await, Code::TokenRequired);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_opens_as_many_rooms_at_once_as_it_may() {
    let server = guarded(Limits::default()).await;
    let client = server.client().await;
    let two = token(&server, Allowance { rooms: 2, ..FREE }).await;
    for number in [1, 2] {
        assert!(is_joined(&create(&client, number, two.as_bytes()).await));
    }
    assert_eq!(code(&create(&client, 3, two.as_bytes()).await), Code::TokenSpent);
    let relay = server.relay.as_ref().unwrap();
    assert_eq!(relay.metrics().times_limited(Limit::TokenRooms), 1);
    assert!(dropped(&server, 1).await.unwrap());
    assert!(is_joined(&create(&client, 3, two.as_bytes()).await), "a dropped room frees its place");
    let record = kept(&server, &two).await;
    assert_eq!((record.rooms, record.uses), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn used_up_token_opens_no_room_even_in_place_of_a_dropped_one() {
    let server = guarded(Limits::default()).await;
    let client = server.client().await;
    let one = token(&server, Allowance { uses: 1, ..FREE }).await;
    assert!(is_joined(&create(&client, 1, one.as_bytes()).await));
    assert!(dropped(&server, 1).await.unwrap());
    assert_eq!(code(&create(&client, 2, one.as_bytes()).await), Code::TokenSpent);
    assert_eq!(server.relay.as_ref().unwrap().metrics().times_limited(Limit::TokenUses), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn same_create_again_costs_nothing_twice() {
    let server = guarded(Limits::default()).await;
    let client = server.client().await;
    let one = token(&server, Allowance { uses: 1, ..FREE }).await;
    for shown in [one.as_bytes(), one.as_bytes(), &[7; 32]] {
        assert!(is_joined(&create(&client, 1, shown).await), "its room is there already");
    }
    assert_eq!(kept(&server, &one).await.uses, 1);
    // A room that could not be made cost nothing either.
    let more = token(&server, FREE).await;
    let taken = client.join_frame(room(1), &key(2), 0, Some(with(&key(2), more.as_bytes())));
    assert_eq!(client.refused(taken).await, Code::Conflict);
    assert_eq!(kept(&server, &more).await.uses, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_only_as_many_as_may_take_the_last_rooms() {
    const MAY: u32 = 3;
    let server = guarded(Limits { bad_tokens: Rate::per_minute(60, 1000), ..Limits::default() }).await;
    for allowance in [Allowance { rooms: MAY, ..FREE }, Allowance { uses: MAY, ..FREE }] {
        let shared = token(&server, allowance).await;
        let first = if allowance.uses == 0 { 1 } else { 101 };
        let mut tries = JoinSet::new();
        for number in first..first + 24 {
            let (client, shared) = (server.client().await, shared.clone());
            tries.spawn(async move { create(&client, number, shared.as_bytes()).await });
        }
        let answers = tries.join_all().await;
        let joined = answers.iter().filter(|answer| is_joined(answer)).count();
        let spent = answers.iter().filter(|a| !is_joined(a) && code(a) == Code::TokenSpent).count();
        assert_eq!((joined, spent), (MAY as usize, 24 - MAY as usize), "{answers:?}");
        let record = kept(&server, &shared).await;
        assert_eq!((record.rooms, record.uses), (MAY, MAY));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn same_create_many_times_at_once_costs_one_use() {
    let server = guarded(Limits { bad_tokens: Rate::per_minute(60, 1000), ..Limits::default() }).await;
    let one = token(&server, Allowance { uses: 1, ..FREE }).await;
    let mut tries = JoinSet::new();
    for _ in 0..16 {
        let (client, one) = (server.client().await, one.clone());
        tries.spawn(async move { create(&client, 1, one.as_bytes()).await });
    }
    for answer in tries.join_all().await {
        // The same key takes its seat from itself.
        assert!(is_joined(&answer) || code(&answer) == Code::Superseded, "{answer:?}");
    }
    assert_eq!(kept(&server, &one).await.uses, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_guests_need_no_token() {
    let server = guarded(Limits::default()).await;
    let client = server.client().await;
    let good = token(&server, FREE).await;
    let create = Create {
        token: good.as_bytes().to_vec().into(),
        ..opening(&key(1), vec![member(&key(2)), invite(&key(3), 0, 0)])
    };
    let mut a = client.try_join(client.join_frame(room(1), &key(1), 0, Some(create))).await.0;
    let (_, joined) = client.join(room(1), &key(2), 0).await;
    assert!(joined.slot.is_none());
    let (mut guest, joined) = client.join(room(1), &key(3), 0).await;
    assert!(joined.slot.is_some());
    guest.publish([1; 16], b"join", Some(commit(0, vec![member(&key(4))], vec![]))).await;
    assert_eq!(guest.published().await.seq, 1);
    client.join(room(1), &key(4), 0).await;
    // Nor does it matter that the token is gone.
    let revoked = revoke(&server, &good).await;
    assert_eq!((revoked.rooms, revoked.token.uses), (vec![room(1)], 1));
    a.publish([2; 16], b"still here", None).await;
    assert_eq!(a.published().await.seq, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_from_before_stay_when_tokens_are_asked_for() {
    let mut server = Server::start().await;
    server.client().await.create(room(1), &key(1), vec![invite(&key(3), 0, 0)]).await;
    server.restart_configured(|config| config.limits.admission = Admission::Token).await;
    let client = server.client().await;
    client.join(room(1), &key(1), 0).await;
    client.join(room(1), &key(3), 0).await;
    assert!(is_joined(&create(&client, 1, b"").await), "the same Create again, its answer lost");
    assert_eq!(code(&create(&client, 2, b"").await), Code::TokenRequired);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_asked_for_from_the_moment_of_a_reload() {
    let server = Server::start().await;
    let client = server.client().await;
    assert!(is_joined(&create(&client, 1, b"").await));
    let relay = server.relay.as_ref().unwrap();
    relay.reload(Limits {
        admission: Admission::Token,
        bad_tokens: Rate::per_minute(1, 1),
        ..Limits::default()
    });
    assert_eq!(code(&create(&client, 2, b"").await), Code::TokenRequired);
    assert_eq!(code(&create(&client, 2, b"").await), Code::RateLimited, "and its limit is in force");
    client.join(room(1), &key(1), 0).await;
    relay.reload(Limits::default());
    assert!(is_joined(&create(&client, 2, b"").await));
}
