//! passive-client-welcome.json (8 cases), -handling-commit.json (13) and -random.json (1 case of 200
//! epochs): a client that only listens, the whole of `mls-rs` on our provider.

use mls_rs::{
    Client, CryptoProvider, MlsMessage,
    group::ExportedTree,
    identity::basic::BasicIdentityProvider,
    psk::{ExternalPskId, PreSharedKey},
    storage_provider::in_memory::InMemoryKeyPackageStorage,
};
use mls_rs_codec::MlsEncode;
use mls_rs_core::key_package::KeyPackageData;
use serde_json::Value;
use shared::crypto::suite::CLASSIC;

use super::{cases, octets};
use crate::support::provider;

#[test]
fn passive_client_welcome() {
    run("passive-client-welcome", 8, 0);
}

#[test]
fn passive_client_handling_commit() {
    run("passive-client-handling-commit", 13, 26);
}

#[test]
fn passive_client_random() {
    run("passive-client-random", 1, 200);
}

fn run(name: &str, expected_cases: usize, expected_epochs: usize) {
    let Some(cases) = cases(name) else { return };
    let epochs: usize = cases.iter().map(follow).sum();
    assert_eq!((cases.len(), epochs), (expected_cases, expected_epochs));
}

/// Joins by the Welcome, follows every commit, compares every epoch authenticator; counts the commits.
fn follow(case: &Value) -> usize {
    let provider = provider(1);
    let cipher = provider.cipher_suite_provider(CLASSIC).unwrap();
    let message = MlsMessage::from_bytes(&octets(&case["key_package"])).unwrap();
    let reference = message.key_package_reference(&cipher).unwrap().unwrap();
    let package = message.into_key_package().unwrap();

    let packages = InMemoryKeyPackageStorage::new();
    packages.insert(
        reference.to_vec(),
        KeyPackageData::new(
            package.mls_encode_to_vec().unwrap(),
            octets(&case["init_priv"]).into(),
            octets(&case["encryption_priv"]).into(),
            u64::MAX,
        ),
    );
    let mut builder = Client::builder()
        .identity_provider(BasicIdentityProvider)
        .crypto_provider(provider.clone())
        .key_package_repo(packages);
    for psk in case["external_psks"].as_array().unwrap() {
        let (id, value) = (octets(&psk["psk_id"]), octets(&psk["psk"]));
        builder = builder.psk(ExternalPskId::new(id), PreSharedKey::new(value));
    }
    let client = builder
        .signing_identity(package.signing_identity().clone(), octets(&case["signature_priv"]).into(), CLASSIC)
        .build();

    let tree =
        case["ratchet_tree"].as_str().map(|tree| ExportedTree::from_bytes(&hex::decode(tree).unwrap()));
    let welcome = MlsMessage::from_bytes(&octets(&case["welcome"])).unwrap();
    let (mut group, _) = client.join_group(tree.map(Result::unwrap), &welcome, None).unwrap();
    let authenticator = group.epoch_authenticator().unwrap();
    assert_eq!(authenticator.as_bytes(), octets(&case["initial_epoch_authenticator"]));

    let epochs = case["epochs"].as_array().unwrap();
    for epoch in epochs {
        let proposals = epoch["proposals"].as_array().unwrap();
        for message in proposals.iter().chain([&epoch["commit"]]) {
            let message = MlsMessage::from_bytes(&octets(message)).unwrap();
            group.process_incoming_message(message).unwrap();
        }
        let authenticator = group.epoch_authenticator().unwrap();
        assert_eq!(authenticator.as_bytes(), octets(&epoch["epoch_authenticator"]));
    }
    epochs.len()
}
