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

/// How long after the start of a test.
fn after(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

#[test]
fn slow_member_with_little_stays_and_the_addresses_that_hold_most_go() {
    let (mut state, start) = (State::new(TERMS), Instant::now());
    let hoards: Vec<_> = (1..=3).map(|last| ask(&mut state, address(last), 20, start)).collect();
    let (little, more) = (ask(&mut state, address(4), 2, start), ask(&mut state, address(5), 18, start));
    let waits = ask(&mut state, address(6), 10, start);
    // Twice the least rate is no fast line; the others come ten times as fast.
    let second = |state: &mut State| {
        state.moved(little, (2 * 16) << 10);
        hoards.iter().chain([&more]).for_each(|id| state.moved(*id, (20 * 16) << 10));
    };
    for seconds in 1..16 {
        second(&mut state);
        state.look(after(start, seconds));
        let all = hoards.iter().chain([&little, &more]);
        assert!(all.into_iter().all(|id| state.standing(*id) == Standing::Holds), "after {seconds} s");
    }
    second(&mut state);
    state.look(after(start, 16));
    let evicted: Vec<_> =
        hoards.iter().filter(|id| state.standing(**id) == Standing::Evicted).copied().collect();
    assert_eq!(evicted.len(), 1, "one of those who hold most is enough");
    assert_eq!([state.standing(little), state.standing(more)], [Standing::Holds; 2]);
    state.leave(evicted[0], after(start, 16));
    assert_eq!(state.standing(waits), Standing::Holds);
    // And were all of them at their bound, whoever holds little would stay for as long as he gets on.
    let greedy = ask(&mut state, address(7), 20, after(start, 16));
    for seconds in 17..60 {
        second(&mut state);
        state.look(after(start, seconds));
        for id in hoards.iter().chain([&more]) {
            if state.standing(*id) == Standing::Evicted {
                state.leave(*id, after(start, seconds));
            }
        }
    }
    assert_eq!([state.standing(greedy), state.standing(little)], [Standing::Holds; 2]);
}

#[test]
fn loss_of_a_few_packets_is_not_slowness() {
    let (mut state, start) = (State::new(TERMS), Instant::now());
    let holders: Vec<_> = (1..=40).map(|last| ask(&mut state, address(last), 2, start)).collect();
    ask(&mut state, address(41), 2, start);
    for seconds in 1..=3 {
        state.look(after(start, seconds));
    }
    let holding = |state: &State| holders.iter().filter(|id| state.standing(**id) == Standing::Holds).count();
    assert_eq!(holding(&state), 40, "nothing came for three seconds");
    state.look(after(start, 4));
    assert_eq!(holding(&state), 39, "nothing at all is something else");
}

#[test]
fn hoard_is_not_kept_by_asking_for_more() {
    let (mut state, start) = (State::new(TERMS), Instant::now());
    let hoards: Vec<_> = (1..=4)
        .flat_map(|last| {
            let (stuck, gets_on) =
                (ask(&mut state, address(last), 18, start), ask(&mut state, address(last), 2, start));
            state.ask(stuck, 2, start);
            [stuck, gets_on]
        })
        .collect();
    let waits = ask(&mut state, address(5), 2, start);
    for seconds in 1..=16 {
        hoards.iter().for_each(|id| state.moved(*id, (2 * 16) << 10));
        state.look(after(start, seconds));
    }
    let evicted: Vec<_> =
        hoards.iter().filter(|id| state.standing(**id) == Standing::Evicted).copied().collect();
    assert!(!evicted.is_empty());
    evicted.iter().for_each(|id| state.leave(*id, after(start, 16)));
    assert_eq!(state.standing(waits), Standing::Holds);
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
    let first = pool.take(address(1), 20).await;
    assert!(timeout(Duration::from_millis(1), pool.take(address(1), 1)).await.is_err());
    drop(first);
    assert!(pool.state().is_clean());
    let other = pool.take(address(1), 99).await;
    assert_eq!(other.kib(), 20, "no more than its share, however much is asked for");
}
