//! A wall clock that is wrong by seconds or by years, while the relay runs and across restarts.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use proto::relay::Deliver;
use relay::{
    Limits, Retention,
    clock::{SystemTimeSource, TimeSource},
};

use crate::common::*;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// What a clock is wrong by.
const JUMPS: [u64; 5] = [SECOND, HOUR, 10 * DAY, YEAR, 10 * YEAR];

/// The relay notices what is more than this.
const TOLERANCE: u64 = 5 * MINUTE;

/// A machine whose clocks stand until the test moves them.
#[derive(Debug)]
struct Machine(Mutex<Clocks>);

#[derive(Clone, Debug)]
struct Clocks {
    wall: u64,
    elapsed: u64,
    boots: u32,
}

impl TimeSource for Machine {
    fn wall_ms(&self) -> u64 {
        self.0.lock().unwrap().wall
    }

    fn elapsed_ms(&self) -> u64 {
        self.0.lock().unwrap().elapsed
    }

    fn boot(&self) -> String {
        format!("boot {}", self.0.lock().unwrap().boots)
    }
}

impl Machine {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Clocks { wall: SystemTimeSource.wall_ms(), elapsed: HOUR, boots: 1 })))
    }

    fn pass(&self, time: u64) {
        let mut clocks = self.0.lock().unwrap();
        (clocks.wall, clocks.elapsed) = (clocks.wall + time, clocks.elapsed + time);
    }

    fn set(&self, by: i64) {
        let mut clocks = self.0.lock().unwrap();
        clocks.wall = clocks.wall.checked_add_signed(by).unwrap();
    }

    fn reboot(&self) {
        let mut clocks = self.0.lock().unwrap();
        (clocks.elapsed, clocks.boots) = (30 * SECOND, clocks.boots + 1);
    }
}

/// When the clock jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Running,
    /// While the relay restarts.
    Restarting,
    /// While the machine does.
    Rebooting,
}

fn limits() -> Limits {
    let retention = Retention { age: Duration::from_secs(7 * 86_400), ..Retention::default() };
    Limits { retention, drop_idle: Some(Duration::from_secs(5 * 86_400)), ..Limits::default() }
}

async fn start(machine: &Arc<Machine>) -> Server {
    let time = machine.clone();
    Server::configured(|config| (config.limits, config.time) = (limits(), time)).await
}

async fn restart(server: &mut Server, machine: &Arc<Machine>) {
    let time = machine.clone();
    server.restart_configured(|config| (config.limits, config.time) = (limits(), time)).await;
}

async fn tidy(server: &Server) {
    server.relay.as_ref().unwrap().tidy().await;
}

async fn rooms(server: &Server) -> usize {
    server.relay.as_ref().unwrap().backend().rooms(None, 10).await.unwrap().len()
}

/// Says something, and returns it as it is delivered.
async fn say(stream: &mut Stream, id: u8) -> Deliver {
    stream.publish([id; 16], &[id; 100], None).await;
    let published = stream.published().await;
    loop {
        let entry = stream.delivered().await;
        if entry.seq == published.seq {
            return entry;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_clock_trims_nothing_drops_nobody_and_ends_no_invite() {
    for jump in JUMPS {
        for forward in [true, false] {
            for when in [When::Running, When::Restarting, When::Rebooting] {
                let case = format!("{jump} ms, forward: {forward}, {when:?}");
                let by = if forward { jump as i64 } else { -(jump as i64) };
                let machine = Machine::new();
                let mut server = start(&machine).await;
                let client = server.client().await;
                let guest = invite(&key(9), machine.wall_ms() + 2 * DAY, 0);
                let mut a = client.create(room(1), &key(1), vec![guest]).await;
                drop(client.create(room(2), &key(2), vec![]).await);
                let first = say(&mut a, 1).await;
                machine.pass(HOUR);
                tidy(&server).await;

                if when != When::Running {
                    machine.set(by);
                    if when == When::Rebooting {
                        machine.reboot();
                    }
                    restart(&mut server, &machine).await;
                } else {
                    machine.set(by);
                }
                tidy(&server).await;
                let right = machine.wall_ms().checked_add_signed(-by).unwrap();
                let client = server.client().await;
                let (mut a, joined) = client.join(room(1), &key(1), 0).await;
                assert_eq!((joined.oldest, joined.head), (1, 1), "{case}");
                let second = say(&mut a, 2).await;
                // Another room's life must not make this one look deserted.
                tidy(&server).await;
                assert_eq!(rooms(&server).await, 2, "{case}");
                let believed = if when == When::Rebooting && forward && jump <= DAY { jump } else { 0 };
                assert!(second.at_ms >= first.at_ms, "{case}");
                assert!(second.at_ms <= right + TOLERANCE + believed, "{case}: {}", second.at_ms - right);
                assert!(joined.now_ms <= right + TOLERANCE + believed, "{case}");
                assert!(joined.now_ms >= right - HOUR, "{case}");
                client.join(room(1), &key(9), 0).await;

                machine.set(-by);
                tidy(&server).await;
                let third = say(&mut a, 3).await;
                assert!(third.at_ms >= second.at_ms && third.at_ms <= right + TOLERANCE + believed, "{case}");
                let (_, joined) = client.join(room(1), &key(1), 3).await;
                assert_eq!(joined.oldest, 1, "{case}");
                assert!(joined.now_ms.abs_diff(right) <= TOLERANCE, "right again: {case}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_pause_is_believed_after_hours_and_retention_catches_up_slowly() {
    let machine = Machine::new();
    let mut server = start(&machine).await;
    let mut a = server.client().await.create(room(1), &key(1), vec![]).await;
    say(&mut a, 1).await;
    machine.pass(HOUR);
    tidy(&server).await;
    machine.set(30 * DAY as i64);
    machine.reboot();
    restart(&mut server, &machine).await;
    let client = server.client().await;
    let now = async || client.join(room(1), &key(1), 1).await.1.now_ms;
    assert!(now().await < machine.wall_ms() - 29 * DAY, "held");
    for _ in 0..7 {
        machine.pass(HOUR);
        tidy(&server).await;
    }
    assert_eq!(now().await, machine.wall_ms(), "believed without an operator");
    let oldest = async || client.join(room(1), &key(1), 1).await.1.oldest;
    for day in 1..=4 {
        assert_eq!(oldest().await, 1, "day {day}");
        for _ in 0..24 {
            machine.pass(HOUR);
            tidy(&server).await;
        }
    }
    assert_eq!(oldest().await, 2, "seven days, twice as fast");
}
