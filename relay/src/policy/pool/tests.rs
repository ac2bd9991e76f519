use std::time::Duration;

use super::*;

const TERMS: Terms = Terms { kib: 80, share_kib: 20 };

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

/// Asks and says how it stands.
fn ask(state: &mut State, address: IpAddr, kib: u32, now: Instant) -> u64 {
    let (id, _) = state.enter(address, now);
    state.ask(id, kib, now);
    id
}

#[test]
fn address_that_holds_its_share_waits_and_others_do_not() {
    let (mut state, now) = (State::new(TERMS), Instant::now());
    let hoard: Vec<_> = (0..9).map(|_| ask(&mut state, address(1), 5, now)).collect();
    let holding = hoard.iter().filter(|id| state.standing(**id) == Standing::Holds).count();
    assert_eq!((holding, state.free()), (4, 60));
    let other = ask(&mut state, address(2), 20, now);
    assert_eq!(state.standing(other), Standing::Holds);
    hoard.into_iter().chain([other]).for_each(|id| state.leave(id, now));
    assert!(state.is_clean() && state.free() == 80);
}

#[test]
fn whoever_holds_least_is_next_however_many_wait_before() {
    let (mut state, now) = (State::new(TERMS), Instant::now());
    let full: Vec<_> = (1..=4).map(|last| ask(&mut state, address(last), 19, now)).collect();
    let small = ask(&mut state, address(5), 4, now);
    let greedy: Vec<_> = (1..=5).map(|last| ask(&mut state, address(last), 1, now)).collect();
    let honest = ask(&mut state, address(9), 10, now);
    assert_eq!(state.standing(honest), Standing::Waits);
    state.leave(full[0], now);
    assert_eq!(state.standing(honest), Standing::Holds);
    assert_eq!(state.standing(small), Standing::Holds);
    assert!(greedy.iter().any(|id| state.standing(*id) == Standing::Holds), "and what is left goes on");
}

#[test]
fn slowest_holders_give_up_theirs_when_somebody_waits_and_only_then() {
    let (mut state, start) = (State::new(TERMS), Instant::now());
    let holders: Vec<_> = (1..=4).map(|last| ask(&mut state, address(last), 20, start)).collect();
    let later = start + Duration::from_secs(10);
    for (holder, bytes) in holders.iter().zip([10_000_000, 20, 10, 10_000_000]) {
        state.moved(*holder, bytes);
    }
    state.look(later);
    assert!(holders.iter().all(|id| state.standing(*id) == Standing::Holds), "nobody waits");
    for (holder, bytes) in holders.iter().zip([10_000_000, 20, 10, 10_000_000]) {
        state.moved(*holder, bytes);
    }
    let honest = ask(&mut state, address(5), 20, later);
    let later = later + Duration::from_secs(10);
    state.look(later);
    let standings: Vec<_> = holders.iter().map(|id| state.standing(*id)).collect();
    assert_eq!(standings, [Standing::Holds, Standing::Holds, Standing::Evicted, Standing::Holds]);
    state.leave(holders[2], later);
    assert_eq!(state.standing(honest), Standing::Holds);
}

#[test]
fn whoever_waits_for_the_disk_is_not_slow() {
    let (mut state, start) = (State::new(TERMS), Instant::now());
    let holders: Vec<_> = (1..=4).map(|last| ask(&mut state, address(last), 20, start)).collect();
    holders.iter().for_each(|id| state.settle(*id));
    ask(&mut state, address(5), 20, start);
    state.look(start + Duration::from_secs(10));
    assert!(holders.iter().all(|id| state.standing(*id) == Standing::Holds));
}

#[test]
fn those_who_wait_for_each_other_do_not_wait_for_ever() {
    let (mut state, start) = (State::new(TERMS), Instant::now());
    let holders: Vec<_> = (1..=8).map(|last| ask(&mut state, address(last), 10, start)).collect();
    holders.iter().for_each(|id| state.ask(*id, 10, start));
    assert!(holders.iter().all(|id| state.standing(*id) == Standing::Waits));
    state.look(start + Duration::from_secs(10));
    let evicted: Vec<_> = holders.iter().filter(|id| state.standing(**id) == Standing::Evicted).collect();
    assert_eq!(evicted, [&holders[7]], "the youngest");
    state.leave(holders[7], start);
    assert!(holders.iter().any(|id| state.standing(*id) == Standing::Holds));
}

#[test]
fn one_site_has_no_more_than_a_few_of_its_households() {
    let (mut state, now) = (State::new(Terms { kib: 200, share_kib: 20 }), Instant::now());
    let site = |household: u16| IpAddr::from([0x2001, 0xdb8, 1, household, 0, 0, 0, 1]);
    let all: Vec<_> = (0..8).map(|household| ask(&mut state, site(household), 20, now)).collect();
    let holding = all.iter().filter(|id| state.standing(**id) == Standing::Holds).count();
    assert_eq!((holding, state.free()), (4, 120));
}

#[tokio::test]
async fn waiter_that_is_gone_leaves_nothing_behind() {
    let pool = Pool::new(TERMS);
    let first = pool.take(address(1), 20).await.unwrap();
    assert!(timeout(Duration::from_millis(1), pool.take(address(1), 1)).await.is_err());
    drop(first);
    assert!(pool.state().is_clean());
    let other = pool.take(address(1), 99).await.unwrap();
    assert_eq!(other.kib(), 20, "no more than its share, however much is asked for");
}
