//! What somebody sees and waits for.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    enter::{enters, link},
    figures,
    terminal::Terminal,
};

const STARTS: usize = 9;
const PAGES: u64 = 200;
/// At most so many lines are on a screen of 24.
const PAGE: u64 = 20;
const KEYS: usize = 300;
const ESCAPE: &str = "\u{1b}";

fn opens(home: &Path) -> Terminal {
    Terminal::start(home, &[], &[])
}

fn quits(mut terminal: Terminal) {
    terminal.press(&["\u{4}"]);
    assert_eq!(terminal.finish(), 0);
}

/// Enters the room with a new profile, and leaves the program.
pub(crate) fn joins(home: &Path, name: &str, link: &str) {
    let mut terminal = Terminal::start(home, &["--name", name], &[]);
    enters(&mut terminal, link);
    quits(terminal);
}

/// From nothing to two people who have read each other: what the machine takes of it; people read and type besides.
pub(crate) fn newcomers(home: &Path) {
    let times = (0..STARTS).map(|round| {
        let homes = ["ann", "bob"].map(|name| home.join(format!("{name} {round}")));
        homes.iter().for_each(|home| std::fs::create_dir(home).unwrap());
        let began = Instant::now();
        let host = ["host", "--name", "ann", "--listen", "127.0.0.1:0"];
        let mut ann = Terminal::start(&homes[0], &host, &[]);
        let link = link(&ann);
        ann.press(&[ESCAPE]);
        let mut bob = Terminal::start(&homes[1], &["--name", "bob"], &[]);
        enters(&mut bob, &link);
        ann.wait_for("bob joined");
        for (from, to) in [(0, 1), (1, 0)] {
            let both = [&mut ann, &mut bob];
            both[from].type_text("hello");
            both[from].press(&["\r"]);
            both[to].wait_for(["ann: hello", "bob: hello"][from]);
        }
        let took = began.elapsed();
        quits(bob);
        quits(ann);
        took
    });
    println!("from nothing to two people talking: {}", figures(times.collect()));
}

fn line(number: u64) -> String {
    format!("line {number}")
}

/// The first start after having been away.
pub(crate) fn catches_up(home: &Path, missed: u64, last: u64) {
    let began = Instant::now();
    let terminal = opens(home);
    terminal.wait_long(&line(last));
    let took = began.elapsed();
    println!("catching up with {missed}: {took:.1?}, {:.0} a second", missed as f64 / took.as_secs_f64());
    quits(terminal);
}

/// From the start to the last message, and to being connected.
type Times = (Duration, Duration);

/// Paired: a start with the long room, a start with the short one.
pub(crate) fn starts(long: &Path, short: &Path, last: u64) {
    let measure = |home: &Path| {
        let began = Instant::now();
        let terminal = opens(home);
        terminal.wait_for(&line(last));
        let seen = began.elapsed();
        terminal.wait_for("epoch");
        let there = began.elapsed();
        quits(terminal);
        (seen, there)
    };
    let pairs: Vec<_> = (0..STARTS).map(|_| (measure(long), measure(short))).collect();
    let column = |of: fn(&(Times, Times)) -> Duration| figures(pairs.iter().map(of).collect());
    println!("start to the last line, long room:   {}", column(|pair| pair.0.0));
    println!("start to the last line, short room:  {}", column(|pair| pair.1.0));
    println!("start to connected, long room:       {}", column(|pair| pair.0.1));
    println!("start to connected, short room:      {}", column(|pair| pair.1.1));
    let mut ratios: Vec<f64> =
        pairs.iter().map(|pair| pair.0.0.as_secs_f64() / pair.1.0.as_secs_f64()).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    println!("long / short: median {:.2} ({:.2} – {:.2})", ratios[STARTS / 2], ratios[0], ratios[STARTS - 1]);
}

/// Processor time and memory of a program that shows the long room, while nothing happens.
pub(crate) fn idles(home: &Path, last: u64) {
    let terminal = opens(home);
    terminal.wait_for(&line(last));
    // What a start leaves to do is no part of what is measured.
    thread::sleep(Duration::from_secs(5));
    let (before, _) = usage(terminal.pid());
    thread::sleep(Duration::from_secs(60));
    let (after, kib) = usage(terminal.pid());
    println!("idle for 60 s: {} ticks of 10 ms; {:.1} MiB", after - before, kib as f64 / 1024.0);
    quits(terminal);
}

/// Ticks of processor time, KiB of memory.
fn usage(pid: u32) -> (u64, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let ticks = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib = rss.trim().trim_end_matches(" kB").parse().unwrap();
    (ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum(), kib)
}

/// A page back, until its lines are there; more of them than are kept in memory.
pub(crate) fn scrolls(home: &Path, last: u64) {
    let mut terminal = opens(home);
    let mut screen = terminal.wait_for(&line(last));
    let pages = PAGES.min(last / PAGE);
    let times = (0..pages).map(|_| {
        let began = Instant::now();
        terminal.press(&[PAGE_UP]);
        let before = lines(&screen);
        screen = terminal.wait("a page", |screen| lines(screen) != before && !lines(screen).is_empty());
        began.elapsed()
    });
    let times = times.collect();
    println!("a page back, {pages} times, to line {}: {}", lines(&screen)[0], figures(times));
    quits(terminal);
}

const PAGE_UP: &str = "\u{1b}[5~";

/// The numbers of the lines that can be seen.
fn lines(screen: &str) -> Vec<u64> {
    let number = |line: &str| line.rsplit("line ").next()?.split_whitespace().next()?.parse().ok();
    screen.lines().filter(|line| line.contains(": line ")).filter_map(number).collect()
}

/// A letter that makes all lines looked through in vain.
pub(crate) fn searches(home: &Path, last: u64) {
    let mut terminal = opens(home);
    terminal.wait_for(&line(last));
    let times = (0..STARTS).map(|_| {
        terminal.press(&["\u{12}"]);
        terminal.type_text("line");
        terminal.wait("an answer", |screen| screen.matches(": line ").count() > 3);
        let began = Instant::now();
        terminal.type_text("x");
        terminal.wait("nothing", |screen| screen.contains("Nothing"));
        let took = began.elapsed();
        terminal.press(&[ESCAPE]);
        // Else what comes next would be taken for a key with Alt.
        terminal.wait("the room", |screen| !screen.contains("Search this room"));
        took
    });
    let times = times.collect();
    println!("search that finds nothing, in the program: {}", figures(times));
    quits(terminal);
}

/// From a key to the letter in the line, by somebody who types twenty letters a second.
pub(crate) fn echoes(home: &Path, last: u64, while_what: &str) {
    let mut terminal = opens(home);
    terminal.wait("the end", |screen| lines(screen).last().is_some_and(|line| *line >= last));
    let mut typed = String::from("> ");
    let mut times = Vec::new();
    for key in 0..KEYS {
        if key % 30 == 0 {
            terminal.press(&["\u{15}"]);
            typed.truncate(2);
            terminal.wait("an empty input", |screen| !screen.contains("> z"));
        }
        typed.push('z');
        let began = Instant::now();
        terminal.type_text("z");
        terminal.wait("the letter", |screen| screen.contains(&typed));
        times.push(began.elapsed());
        // The rhythm of somebody who types; nothing is waited for.
        thread::sleep(Duration::from_millis(50));
    }
    println!("a key to its echo, {KEYS} times, while {while_what}: {}", figures(times));
    terminal.press(&["\u{15}"]);
    quits(terminal);
}
