//! An `mls-rs` group on the provider: create, join from outside, talk, update, remove.

use mls_rs::{
    CipherSuite, CryptoProvider, ExtensionList, Group, client_builder::MlsConfig, group::ReceivedMessage,
};
use shared::crypto::suite::{CLASSIC, PQ, Provider, Suite};

use crate::support::{client, provider};

#[test]
fn a_group_agrees_through_join_message_update_and_removal() {
    for suite in Suite::ALL {
        let alice = client(&provider(1), suite, "alice");
        let bob = client(&provider(2), suite, "bob");
        let mut ours = alice.create_group(ExtensionList::new(), Default::default(), None).unwrap();

        let info = ours.group_info_message_allowing_ext_commit(true).unwrap();
        let (mut theirs, join) = bob.external_commit_builder().unwrap().build(info).unwrap();
        ours.process_incoming_message(join).unwrap();
        assert_agree(&ours, &theirs);

        let sealed = theirs.encrypt_application_message(b"hello", vec![]).unwrap();
        let ReceivedMessage::ApplicationMessage(line) = ours.process_incoming_message(sealed).unwrap() else {
            panic!("not an application message");
        };
        assert_eq!(line.data(), b"hello");

        let update = ours.commit(vec![]).unwrap();
        ours.apply_pending_commit().unwrap();
        theirs.process_incoming_message(update.commit_message).unwrap();
        assert_agree(&ours, &theirs);

        let removal = ours.commit_builder().remove_member(1).unwrap().build().unwrap();
        ours.apply_pending_commit().unwrap();
        theirs.process_incoming_message(removal.commit_message).unwrap();
        assert_ne!(ours.epoch_authenticator().unwrap(), theirs.epoch_authenticator().unwrap());
    }
}

#[test]
fn a_suite_that_is_not_offered_cannot_be_reached() {
    let both = provider(3);
    assert_eq!(both.supported_cipher_suites(), [PQ, CLASSIC]);
    assert!(both.cipher_suite_provider(CipherSuite::P256_AES128).is_none());
    let random = shared::crypto::random::Random::new(crate::support::Seeded { seed: 3, counter: 0 });
    let only = Provider::only(random, Suite::default());
    assert_eq!(only.supported_cipher_suites(), [PQ]);
    assert!(only.cipher_suite_provider(CLASSIC).is_none());

    let mut classic = client(&both, Suite::Classic, "mallory")
        .create_group(ExtensionList::new(), Default::default(), None)
        .unwrap();
    let info = classic.group_info_message_allowing_ext_commit(true).unwrap();
    let victim = client(&only, Suite::Pq, "victim");
    assert!(victim.external_commit_builder().unwrap().build(info).is_err());
    classic.commit(vec![]).unwrap();
}

/// Equal epoch, authenticator and exporter.
fn assert_agree<A: MlsConfig, B: MlsConfig>(ours: &Group<A>, theirs: &Group<B>) {
    assert_eq!(ours.current_epoch(), theirs.current_epoch());
    assert_eq!(ours.epoch_authenticator().unwrap(), theirs.epoch_authenticator().unwrap());
    let [a, b] = [ours.export_secret(b"schat", b"", 32), theirs.export_secret(b"schat", b"", 32)];
    assert_eq!(a.unwrap(), b.unwrap());
}
