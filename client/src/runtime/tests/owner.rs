//! A device of a person is stolen, and its thief acts first: what that does to the owner's other device, and what is left of it once
//! the thief is out.

use shared::{
    identity::Fingerprint,
    room::{MessageBody, Person},
};

use super::{
    devices::{Device, two, until_so},
    *,
};
use crate::store::{Mark, Offer, written_marks};

/// What the other device is called in the room of own devices.
async fn other(device: &Device) -> OwnDevice {
    let all = device.local.devices().await.unwrap();
    all.into_iter().find(|one| one.is_hidden && !one.is_me).unwrap()
}

async fn says(device: &Device, marks: &[Mark]) {
    let room = device.local.own_devices().unwrap();
    for said in written_marks(marks) {
        let command = Command::Say { token: String::new(), body: MessageBody::Device(said) };
        device.local.tell(&room.label, command).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_whom_the_thief_took_out_first_replaces_the_key_and_links_again() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir).await;
    // The account was made at the device that is stolen; its words are with the owner.
    let (thief, owner) = two(&dir, &relay).await;
    let words = thief.vault.now(|store| store.phrase_entropy()).unwrap().unwrap();
    let device = other(&thief).await;
    thief.local.remove_device(&device.id.to_string()).await.unwrap();
    let is_alone =
        || thief.local.own_devices().and_then(|room| room.view).is_some_and(|view| view.members.len() == 1);
    until_so("the thief is alone", is_alone).await;
    let owner = owner.again(&dir, &relay).await;
    let is_out = || owner.vault.now(|store| store.is_taken_out()).unwrap();
    until_so("the owner is taken out", is_out).await;
    let refused = owner.local.link(None, None).await;
    assert_eq!(refused, Err(crate::reason::LinkReason::TakenOut.into()));
    let done = owner.local.replace_key(&Entropy(*words), Some(&Entropy([9; 16]))).await.unwrap();
    assert!(matches!(done, Replaced::Done(_)), "{done:?}");
    assert_eq!(owner.local.link(None, None).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn word_of_a_device_goes_with_it_and_the_person_is_told() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir).await;
    let (owner, thief) = two(&dir, &relay).await;
    let eve = Person { name: "eve".to_owned(), fingerprint: Fingerprint([66; 32]) };
    says(&thief, &[Mark::Verified(eve.clone(), Some(5))]).await;
    until_so("the owner hears it", || owner.local.is_verified(&eve.fingerprint)).await;
    let device = other(&owner).await;
    owner.local.remove_device(&device.id.to_string()).await.unwrap();
    until_so("it is dropped", || !owner.local.is_verified(&eve.fingerprint)).await;
    let told = owner.vault.now(|store| store.unseen_notices(None)).unwrap();
    let is_it = |notice: &Notice| matches!(notice, Notice::Alarm(engine::Alarm::MarksDropped { people }) if *people == [eve.clone()]);
    assert!(told.iter().any(|one| is_it(&one.notice)), "{told:?}");
}

/// The thief's link leads to a room of the thief's, of the same account or another one.
#[tokio::test(flavor = "multi_thread")]
async fn offer_that_leads_elsewhere_than_it_says_is_not_taken() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir).await;
    let (owner, thief) = two(&dir, &relay).await;
    let target = other(&thief).await.id;
    let trap = thief.local.create_own("trap").unwrap();
    thief.local.entered(&trap).await.unwrap();
    let link = thief.local.invite_device(&trap, [3; 16]).await.unwrap();
    // It says that it is another room.
    let elsewhere = Offer { room: RoomId([3; 32]), device: target, link };
    let eves = Device::of(&dir, ("eve", "eve"), &relay).await;
    let lair = eves.local.create_own("lair").unwrap();
    eves.local.entered(&lair).await.unwrap();
    let id = eves.local.id(&lair).unwrap();
    let link = eves.local.invite_device(&lair, [3; 16]).await.unwrap();
    let anothers = Offer { room: id, device: target, link };
    let good = thief.local.create("good", None, engine::Policy::default()).unwrap();
    thief.local.entered(&good).await.unwrap();
    let link = thief.local.invite_device(&good, [3; 16]).await.unwrap();
    let offered = Offer { room: thief.local.id(&good).unwrap(), device: target, link };
    says(&thief, &[elsewhere, anothers, offered].map(Mark::Entered)).await;
    // The last one is taken: the ones before it were looked at.
    until_so("what was offered is entered", || owner.is_in("good")).await;
    until_so("nothing is left", || owner.vault.now(|store| store.offers()).unwrap().is_empty()).await;
    let rooms: Vec<_> = owner.local.all_rooms().into_iter().map(|room| room.label).collect();
    assert!(!rooms.iter().any(|room| room.contains("trap") || room.contains("lair")), "{rooms:?}");
}

/// The relay may hold back that the thief is out for as long as it likes.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_offered_leads_nowhere_once_its_owner_wants_it_out_whatever_the_relay_says() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir).await;
    let (owner, thief) = two(&dir, &relay).await;
    let target = other(&thief).await.id;
    let trap = thief.local.create_own("trap").unwrap();
    thief.local.entered(&trap).await.unwrap();
    let mut link = thief.local.invite_device(&trap, [3; 16]).await.unwrap();
    // Nobody is there: it waits.
    link.port = 1;
    says(&thief, &[Mark::Entered(Offer { room: RoomId([3; 32]), device: target, link })]).await;
    let offers = || owner.vault.now(|store| store.offers()).unwrap().len();
    until_so("it is heard", || offers() == 1).await;
    let device = other(&owner).await;
    let own = owner.local.own_devices().unwrap().id;
    relay.shutdown().await;
    until_so("the relay says nothing", || !owner.local.is_up(own)).await;
    assert_eq!(offers(), 1);
    owner.local.remove_device(&device.id.to_string()).await.unwrap();
    assert_eq!(offers(), 0);
}
