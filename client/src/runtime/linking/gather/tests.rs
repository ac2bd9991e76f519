use shared::room::Policy;
use tempfile::TempDir;

use super::*;
use crate::runtime::tests::devices::one;

/// So many that not all of what is told of them can wait to be read.
const ROOMS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_entered_while_others_are_asked_is_handed_over_as_well() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new(([127, 0, 0, 1], 0).into(), dir.path().join("relay"));
    let relay = relay::Relay::start(config).await.unwrap();
    let one = one(&dir, &relay).await;
    for number in 0..ROOMS {
        let label = one.local.create(&format!("room {number}"), None, Policy::default()).unwrap();
        one.local.entered(&label).await.unwrap();
    }
    let mut told = begin(&one.local, [7; 16], HandedPast::Nothing);
    let first = told.recv().await.unwrap();
    assert!(matches!(first, Gathered::Some(1, count, Some(_)) if count == ROOMS + 1), "all were asked");
    one.local.create("later", None, Policy::default()).unwrap();
    one.local.entered("later").await.unwrap();
    let whole = loop {
        match told.recv().await.unwrap() {
            Gathered::All(whole) => break whole,
            Gathered::Some(..) => {}
            Gathered::Failed(why) => panic!("{why:?}"),
        }
    };
    let is_later =
        |body: &Body| matches!(body, Body::Room(room) if room.label == "later" && room.entry.is_some());
    assert!(whole.records.iter().any(is_later) && whole.without.is_empty());
    assert_eq!((whole.rooms, whole.invites.len()), (ROOMS + 2, ROOMS + 3));
}
