//! Quotas, space and retention as a client meets them.

use std::time::Duration;

use proto::relay::refused::Code;
use relay::{Limits, Rate, Retention};

use crate::common::*;

const ONCE_A_DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(flavor = "multi_thread")]
async fn publish_over_the_quota_is_refused_and_a_resend_is_not() {
    let publish = Rate { burst: 2, interval: ONCE_A_DAY };
    let server = Server::with(Limits { publish, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    for id in [1, 2] {
        a.publish([id; 16], b"x", None).await;
        assert_eq!(a.published().await.seq, u64::from(id));
    }
    a.publish([3; 16], b"x", None).await;
    let refused = a.refusal().await;
    assert_eq!((refused.code(), &*refused.id), (Code::RateLimited, [3; 16].as_slice()));
    assert!(refused.retry_after_ms > 0);
    for id in [1, 2] {
        a.publish([id; 16], b"x", None).await;
        assert_eq!(a.published().await.seq, u64::from(id), "resends are free");
    }
    let (mut b, _) = client.join(room(1), &key(2), 2).await;
    b.publish([4; 16], b"x", None).await;
    assert_eq!(b.published().await.seq, 3, "one member's quota is not another's");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_opened_by_one_address_are_limited() {
    let create = Rate { burst: 2, interval: ONCE_A_DAY };
    let server = Server::with(Limits { create, ..Limits::default() }).await;
    let client = server.client().await;
    for number in [1, 2] {
        client.create(room(number), &key(1), vec![]).await;
    }
    let join = client.join_frame(room(3), &key(1), 0, Some(opening(&key(1), vec![])));
    assert_eq!(client.refused(join).await, Code::RateLimited);
    client.create(room(1), &key(1), vec![]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_are_limited() {
    let server = Server::with(Limits { connections_per_address: 1, ..Limits::default() }).await;
    let _first = server.client().await;
    let endpoint = endpoint(server.directory.path(), proto::ALPN);
    assert!(endpoint.connect(server.address, "localhost").unwrap().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_refuses_appends_and_serves_reads() {
    let mut server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], b"kept", None).await;
    a.published().await;
    server.restart(Limits { free_space_reserve: u64::MAX, ..Limits::default() }).await;

    let client = server.client().await;
    let (mut a, _) = client.join(room(1), &key(1), 0).await;
    assert_eq!(&*a.delivered().await.envelope, b"kept");
    assert_eq!(a.publish_refused([2; 16], None).await, Code::NoSpace);
    a.publish([1; 16], b"kept", None).await;
    assert_eq!(a.published().await.seq, 1, "what is stored is acknowledged");
    let join = client.join_frame(room(2), &key(1), 0, Some(opening(&key(1), vec![])));
    assert_eq!(client.refused(join).await, Code::NoSpace);
}

#[tokio::test(flavor = "multi_thread")]
async fn trimmed_log_says_where_it_begins() {
    let retention = Retention { entries: 2, ..Retention::default() };
    let server = Server::with(Limits { retention, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    for id in 1..=5 {
        a.publish([id; 16], &[id], None).await;
        a.published().await;
    }
    let (mut b, joined) = client.join(room(1), &key(2), 0).await;
    assert_eq!((joined.head, joined.oldest), (5, 4));
    assert_eq!(b.delivered().await.seq, 4);
    assert_eq!(b.delivered().await.seq, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_client_passes_a_retry() {
    let server = Server::with(Limits { retry_above: 0, ..Limits::default() }).await;
    let client = server.client().await;
    client.create(room(1), &key(1), vec![]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resends_do_not_use_up_the_quota() {
    let publish = Rate { burst: 2, interval: ONCE_A_DAY };
    let server = Server::with(Limits { publish, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    for _ in 0..5 {
        a.publish([1; 16], b"x", None).await;
        assert_eq!(a.published().await.seq, 1);
    }
    a.publish([2; 16], b"x", None).await;
    assert_eq!(a.published().await.seq, 2);
}
