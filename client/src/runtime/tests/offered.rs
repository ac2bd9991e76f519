//! Ways into rooms that one device of a person offers to another one.

use super::{
    devices::{Device, two, until_so},
    *,
};
use crate::store::Offer;

/// Another way in, for a device that is in the room.
async fn offer(one: &Device, two: &Device) -> Offer {
    let own = two.local.own_devices().unwrap().view.unwrap();
    let device = own.members.iter().find(|member| member.me).unwrap().device.id;
    let link = one.local.invite_device(ROOM, [8; 16]).await.unwrap();
    let offer = Offer { room: one.local.id(ROOM).unwrap(), device, link };
    let stored = offer.clone();
    two.vault.run(move |store| store.add_offer(&stored, None)).await.unwrap();
    offer
}

fn offers(device: &Device) -> Vec<Offer> {
    device.vault.now(|store| store.offers()).unwrap()
}

async fn take_out(one: &Device, two: &Device) {
    let leaf = two.local.view(ROOM).unwrap().members.iter().find(|member| member.me).unwrap().device.id;
    let who = one.local.me().1;
    let is_seen = |view: Arc<GroupView>| view.members.iter().any(|member| member.device.id == leaf);
    until_so("the first one sees it", || one.local.view(ROOM).is_some_and(is_seen)).await;
    one.local.tell(ROOM, Command::RemoveDevice { who, device: leaf }).await.unwrap();
}

/// By which invite a device is in.
fn way(device: &Device) -> Option<[u8; 16]> {
    device.local.view(ROOM)?.members.iter().find(|member| member.me)?.invite
}

#[tokio::test(flavor = "multi_thread")]
async fn way_into_a_room_that_a_device_is_in_by_another_one_is_kept_until_that_is_over() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let offer = offer(&one, &two).await;
    two.local.take_offers().await;
    assert_eq!(offers(&two), [offer]);
    take_out(&one, &two).await;
    // Which ends what was offered before.
    until_so("it is tried", || offers(&two).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn way_that_comes_while_others_are_tried_is_tried_after_them() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    take_out(&one, &two).await;
    until_so("it is out", || two.local.view(ROOM).is_none()).await;
    // It came while another one was tried.
    let trying = two.local.0.taking.lock().await;
    let offer = offer(&one, &two).await;
    let (first, second) = (two.local.clone(), two.local.clone());
    let waits = tokio::spawn(async move { first.take_offers().await });
    until_so("it waits", || two.local.0.next_to_take.try_lock().is_err()).await;
    second.take_offers().await;
    drop(trying);
    until_so("it is in", || way(&two) == Some(offer.invite())).await;
    waits.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_left_is_entered_by_no_way_that_was_offered_before() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let offer = offer(&one, &two).await;
    assert_eq!(offers(&two), [offer]);
    two.local.tell(ROOM, Command::Leave).await.unwrap();
    until_so("it has left", || two.local.room(ROOM).unwrap().over == Some(Over::Left)).await;
    assert_eq!(offers(&two), []);
}
