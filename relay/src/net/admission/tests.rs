use std::time::Duration;

use super::*;
use crate::policy::limits::Rate;

const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

struct Setting {
    door: Arc<Door>,
    limits: Limits,
    now: Instant,
}

fn setting(limits: Limits) -> Setting {
    Setting { door: Door::new(Arc::default(), &limits), limits, now: Instant::now() }
}

impl Setting {
    fn knock(&self, address: IpAddr, is_proven: bool) -> Result<Permit, (Limit, &'static str)> {
        let counted = || Limit::ALL.map(|limit| self.door.metrics.times_limited(limit));
        let before = counted();
        let what = match self.door.knock(&self.limits, address, is_proven, self.now) {
            Verdict::Enter(permit) => return Ok(permit),
            Verdict::Prove => "prove",
            Verdict::Refuse => "refuse",
        };
        let hit = counted().into_iter().zip(before).position(|(after, before)| after > before);
        Err((Limit::ALL[hit.expect("a limit is counted")], what))
    }

    /// What keeps the last of so many knocks out.
    fn last_of(&self, knocks: usize, address: IpAddr, is_proven: bool) -> (Limit, &'static str) {
        let mut results: Vec<_> = (0..knocks).map(|_| self.knock(address, is_proven)).collect();
        results.pop().and_then(Result::err).expect("kept out")
    }
}

/// Where not everybody has to prove himself.
fn lenient() -> Limits {
    Limits { retry_above: 64, ..Limits::default() }
}

#[test]
fn one_address_cannot_take_all_connections() {
    let setting = setting(Limits { connections_per_address: 2, ..Limits::default() });
    let first = setting.knock(ONE, true).ok();
    let _second = setting.knock(ONE, true).ok();
    assert_eq!(setting.knock(ONE, true).err(), Some((Limit::ConnectionsPerAddress, "refuse")));
    assert!(setting.knock(OTHER, true).is_ok());
    drop(first);
    assert!(setting.knock(ONE, true).is_ok());
}

#[test]
fn all_addresses_together_cannot_have_more_connections_than_there_are() {
    let setting = setting(Limits { connections: 2, ..Limits::default() });
    let _open = [setting.knock(ONE, true).ok(), setting.knock(OTHER, true).ok()];
    let third = [192, 0, 2, 3].into();
    assert_eq!(setting.knock(third, true).err(), Some((Limit::Connections, "refuse")));
    assert_eq!(setting.door.metrics.times_limited(Limit::Connections), 1);
}

#[test]
fn flood_in_another_ones_name_shuts_nobody_out() {
    let setting = setting(Limits { connections_per_address: 8, ..lenient() });
    let flood: Vec<_> = (0..100).map(|_| setting.knock(ONE, false)).collect();
    assert!(flood.iter().all(|knock| !matches!(knock, Err((_, "refuse")))), "asked for proof, never refused");
    assert!(setting.knock(ONE, true).is_ok(), "whoever is really there gets in");
}

#[test]
fn handshakes_of_one_address_leave_room_for_others() {
    let setting = setting(Limits { max_handshakes: 4 * HANDSHAKE_SHARE, ..Limits::default() });
    let _open: Vec<_> = (0..4).map(|_| setting.knock(ONE, true)).collect();
    assert_eq!(setting.knock(ONE, true).err(), Some((Limit::Handshakes, "refuse")));
    let mut other = setting.knock(OTHER, true).ok();
    other.iter_mut().for_each(Permit::settle);
    assert_eq!(setting.door.inside().handshakes, 4, "a handshake that is over counts no more");
}

#[test]
fn handshakes_in_a_second_ask_for_proof_and_more_of_one_address_are_refused() {
    let twice = Rate { burst: 2, interval: Duration::from_secs(1) };
    let setting = setting(Limits { handshakes: twice, handshakes_per_address: twice, ..lenient() });
    assert_eq!(setting.last_of(3, ONE, false), (Limit::HandshakeRate, "prove"));
    assert!(setting.knock(OTHER, true).is_ok(), "who proves itself does not draw on the unproven");
    assert_eq!(setting.last_of(3, ONE, true), (Limit::HandshakesPerAddress, "refuse"));
    let later = Setting { now: setting.now + Duration::from_secs(1), ..setting };
    assert!(later.knock(ONE, false).is_ok() && later.knock(ONE, true).is_ok());
}

#[test]
fn busy_relay_asks_everybody_for_proof() {
    let setting = setting(Limits { retry_above: 1, ..Limits::default() });
    let _shaking = setting.knock(ONE, false).ok();
    assert_eq!(setting.knock(OTHER, false).err(), Some((Limit::RetryAbove, "prove")));
    assert!(setting.knock(OTHER, true).is_ok());
}

#[test]
fn proof_that_everybody_is_asked_for_is_no_incident() {
    let setting = setting(Limits::default());
    let asked = setting.door.knock(&setting.limits, ONE, false, setting.now);
    assert!(matches!(asked, Verdict::Prove));
    assert!(Limit::ALL.iter().all(|limit| setting.door.metrics.times_limited(*limit) == 0));
    assert!(setting.knock(ONE, true).is_ok());
}

#[test]
fn silent_tcp_connections_leave_half_of_the_handshakes_to_quic() {
    let setting = setting(Limits { max_handshakes: 8, ..Limits::default() });
    let by_tcp = |last: u8| {
        let address = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, last));
        setting.door.knock_below(4, &setting.limits, address, true, setting.now)
    };
    let held: Vec<_> = (1..=5).map(by_tcp).collect();
    assert!(matches!(held.last(), Some(Verdict::Refuse)));
    assert!(setting.knock([192, 0, 2, 9].into(), true).is_ok());
}

#[test]
fn those_who_left_are_forgotten() {
    let setting = setting(lenient());
    drop(setting.knock(ONE, false));
    let inside = setting.door.inside();
    assert_eq!((inside.connections, inside.handshakes, inside.addresses.len()), (0, 0, 0));
    let metrics = &setting.door.metrics;
    assert_eq!((metrics.connections.get(), metrics.handshakes.get()), (0, 0));
}

#[test]
fn site_with_many_households_does_not_take_all_connections() {
    let setting = setting(Limits { connections_per_address: 2, ..Limits::default() });
    let home = |household: u16| IpAddr::from([0x2001, 0xdb8, 1, household, 0, 0, 0, 1]);
    let all: Vec<_> = (0..20).filter_map(|household| setting.knock(home(household), true).ok()).collect();
    assert_eq!(all.len(), 2 * HOUSEHOLDS as usize);
    assert_eq!(setting.last_of(1, home(99), true), (Limit::ConnectionsPerAddress, "refuse"));
    drop(all);
    assert!(setting.door.inside().sites.is_empty());
    assert!(setting.knock(home(99), true).is_ok());
}

#[test]
fn site_with_many_households_does_not_take_all_handshakes() {
    let setting = setting(Limits { max_handshakes: 16, ..Limits::default() });
    let home = |household: u16| IpAddr::from([0x2001, 0xdb8, 1, household, 0, 0, 0, 1]);
    let mut all: Vec<_> = (0..20).filter_map(|household| setting.knock(home(household), true).ok()).collect();
    assert_eq!(all.len(), 8);
    assert_eq!(setting.last_of(1, home(99), true), (Limit::Handshakes, "refuse"));
    assert!(setting.knock(ONE, true).is_ok(), "others have theirs");
    all[0].settle();
    assert!(setting.knock(home(99), true).is_ok(), "and so has the site, once one is over");
}
