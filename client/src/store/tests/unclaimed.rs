//! Since when nobody says of a device of the account whose it is.

use proto::RoomId;
use shared::identity::DeviceId;
use tempfile::TempDir;

use super::open;

#[test]
fn it_lasts_over_restarts_and_rooms_that_are_not_read_yet_and_begins_anew_after_somebody_said_so() {
    let dir = TempDir::new().unwrap();
    let [club, team] = [1, 2].map(|room| (RoomId([room; 32]), DeviceId([room; 16])));
    let since = |found: &[(RoomId, DeviceId)], unread: &[RoomId], now| {
        let found = open(&dir).unclaimed_since(found, unread, now).unwrap();
        found.into_iter().map(|(_, since)| since).collect::<Vec<_>>()
    };
    assert_eq!(since(&[club], &[], 10), [10]);
    assert_eq!(since(&[club, team], &[], 20), [10, 20]);
    assert!(since(&[], &[club.0], 30).is_empty());
    assert_eq!(since(&[club, team], &[], 40), [10, 40]);
}

#[test]
fn what_was_told_is_not_told_again() {
    let dir = TempDir::new().unwrap();
    let [one, other] = [1, 2].map(|room| (RoomId([room; 32]), DeviceId([7; 16])));
    open(&dir).set_rung(one.0, one.1).unwrap();
    assert_eq!(open(&dir).have_rung(&[other, one]).unwrap(), [one]);
}
