//! A room that is left at one device, and the other one was away.

use super::{
    devices::{two, until_so},
    *,
};
use crate::store::Over;

/// The relay says that it is out before the other device says why, and that person may have come in later.
#[tokio::test(flavor = "multi_thread")]
async fn device_that_was_taken_out_before_it_heard_that_the_room_was_left_has_left() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    until_so("both are in", || one.local.view(ROOM).is_some_and(|view| view.members.len() == 2)).await;
    let room = one.local.id(ROOM).unwrap();
    let over = |device: &devices::Device| device.local.room(ROOM).ok().and_then(|room| room.over);
    two.vault.now(|store| store.person_enters(room)).unwrap();
    // What is told waits for a while.
    two.local.clone().shutdown().await;
    one.local.tell(ROOM, Command::LeaveAll).await.unwrap();
    until_so("it has left", || over(&one) == Some(Over::Left)).await;
    let two = two.again(&dir, &server).await;
    until_so("it is out", || over(&two).is_some()).await;
    until_so("it has left as well", || over(&two) == Some(Over::Left)).await;
    let two = two.again(&dir, &server).await;
    until_so("it still has", || over(&two) == Some(Over::Left)).await;
}
