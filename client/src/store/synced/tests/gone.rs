//! What holds once several devices of this person are gone.

use super::*;

fn say(store: &mut Store, mark: Mark, by: DeviceId) {
    store.take_synced(DEVICES, &one_message(&[mark]), (by, false), 1).unwrap();
}

fn verified(at: Option<Millis>) -> Mark {
    Mark::Verified(person(1), at)
}

#[test]
fn mark_of_a_device_that_another_one_took_back_goes_with_both() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    say(&mut store, verified(Some(6)), THIRD);
    say(&mut store, verified(None), OTHER);
    assert_eq!(store.forget_devices_without(DEVICES, &[]).unwrap(), []);
    assert!(!store.people().is_verified(&person(1).fingerprint));
}

#[test]
fn mark_that_was_made_again_meanwhile_is_no_news_and_stays_by_whoever_made_it_first() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    store.set_verified(&person(1), Some(5), 5).unwrap();
    say(&mut store, verified(None), OTHER);
    say(&mut store, verified(Some(9)), THIRD);
    for there in [&[THIRD][..], &[]] {
        assert_eq!(store.forget_devices_without(DEVICES, there).unwrap(), []);
        assert!(store.people().is_verified(&person(1).fingerprint));
    }
}

#[test]
fn setting_that_somebody_said_here_is_back_once_whoever_said_otherwise_is_gone() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let name = "privacy.seen".to_owned();
    store.agree_on_setting(&name, Some("true"), None).unwrap();
    say(&mut store, Mark::Setting { name: name.clone(), value: Some("false".to_owned()) }, OTHER);
    let value = |store: &Store| store.followed().agreed().get(&name).cloned().flatten();
    assert_eq!(value(&store).as_deref(), Some("false"));
    let told = store.forget_devices_without(DEVICES, &[THIRD]).unwrap();
    let settings = vec![name.clone()];
    assert_eq!(told[0].notice, Notice::Alarm(Alarm::SettingsRestored { settings }));
    assert_eq!(value(&store).as_deref(), Some("true"));
}
