//! Somebody with two devices at a terminal.

use client::store::{OpenProfile, ProfileDir};
use rand_core::UnwrapErr;
use shared::crypto::random::Random;

use super::*;

/// A profile with the account of another one, as after linking, on a device that is called so.
fn linked(of: &TempDir, device: &'static str) -> TempDir {
    let open = |dir: &TempDir| {
        let place = ProfileDir::choose(Some(dir.path().join("profile"))).unwrap();
        OpenProfile::open(place, Some("bob"), Random::new(UnwrapErr(getrandom::SysRng))).unwrap()
    };
    let (account, dir) = (open(of).engine.identity.clone(), TempDir::new().unwrap());
    open(&dir)
        .vault
        .now(|store| {
            store.set_account(&account, None)?;
            store.set_device_name(device)
        })
        .unwrap();
    dir
}

/// A script is not asked; a person may have mistyped, and a device that is out comes back by a new link alone.
#[test]
fn person_is_asked_once_more_before_a_device_goes() {
    let at_bob = TempDir::new().unwrap();
    let at_ann = TempDir::new().unwrap();
    let (mut ann, link) = host(&at_ann, &[]);
    let mut bob = joins(&at_bob, "bob", (&ann, &link), &[]);
    quits(&mut bob);
    let at_phone = linked(&at_bob, "phone");
    let mut phone = Terminal::start(at_phone.path(), &["--name", "bob"], &[]);
    enters(&mut phone, &link);
    ann.wait_for("bob came in with another device");
    quits(&mut phone);
    for arguments in [&[] as &[&str], &["--plain"]] {
        let mut bob = Terminal::start(at_bob.path(), arguments, &[]);
        // Of the phone he is told behind that, which takes its place on the screen.
        let is_in = |screen: &str| {
            screen.contains("You are in lobby") || screen.contains("came in with another device")
        };
        bob.wait("to be in", is_in);
        let says = |what: &'static str| {
            move |screen: &str| screen.split_whitespace().collect::<String>().replace('│', "").contains(what)
        };
        bob.type_text("/devices remove phone");
        bob.press(&[ENTER]);
        bob.wait("to be asked", says("oncemore."));
        // Whoever says something else meanwhile is not sure.
        bob.type_text("no");
        bob.press(&[ENTER]);
        ann.wait_for("bob: no");
        if arguments.is_empty() {
            quits(&mut bob);
            continue;
        }
        for asked in ["oncemore.", "Itgoesfrom1room"] {
            bob.type_text("/devices remove phone");
            bob.press(&[ENTER]);
            bob.wait("to be asked, and told", says(asked));
        }
        ann.wait_for("bob removed a device of theirs");
        bob.press(&[CTRL_D]);
        bob.finish();
    }
    quits(&mut ann);
}
