use shared::identity::Fingerprint;

use super::*;
use crate::{
    reason::RelayReason,
    runtime::{Event, RelayState, RoomEvent},
    transport::{Carrier, Pin, Trust},
};

#[test]
fn message_has_the_documented_fields() {
    let from = Person { name: "zoë".into(), fingerprint: Fingerprint([1; 32]) };
    let message = engine::Message {
        seq: 7,
        id: [2; 16],
        at: 9,
        from,
        text: "hi".into(),
        mine: false,
        reply_to: None,
        disappears: None,
        file: None,
    };
    let event =
        Event::Room { room: "team".into(), event: RoomEvent::Engine(engine::Event::Message(message)) };
    let [out] = translate(event, &|_| false).try_into().unwrap();
    let line: serde_json::Value = serde_json::from_str(&out.to_line()).unwrap();
    let expected = serde_json::json!({
        "v": 1, "event": "message", "room": "team", "seq": 7, "id": "02".repeat(16), "at": 9,
        "from": {"name": "zoë", "fingerprint": "01".repeat(32)}, "text": "hi", "mine": false, "again": false,
    });
    assert_eq!(line, expected);
    assert_eq!(serde_json::from_value::<Out>(line).unwrap(), out);
}

#[test]
fn changed_certificate_is_an_alarm_and_not_only_a_lost_connection() {
    let relay: crate::transport::RelayAddress = "h:1".parse().unwrap();
    let lost = RelayState::Lost { reason: RelayReason::KnownByFirstUse(relay).into(), retry: None };
    let outs = translate(Event::Relay { relay: "h:1".into(), state: lost }, &|_| false);
    assert!(
        matches!(&outs[..], [Out::Alarm { kind, .. }, Out::Disconnected { .. }] if kind == "certificate")
    );
    let trust = RelayState::Connected { trust: Trust::FirstUse(Pin::from([3; 32])), carrier: Carrier::Tcp };
    let [out] = translate(Event::Relay { relay: "h:1".into(), state: trust }, &|_| false).try_into().unwrap();
    let expected = r#""transport":"tcp","trust":"first-use","pin":"sha256:0303"#;
    assert!(out.to_line().contains(expected), "{}", out.to_line());
}
