//! `schat backup` and `schat restore`.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde_json::json;
use shared::identity::phrase::{Phrase, WORDS};
use tokio::{sync::mpsc, time::timeout};
use zeroize::Zeroizing;

use super::{
    Globals, passphrase,
    plan::Plan,
    random::random,
    setup,
    wait::{Patience, seen},
};
use crate::{
    backup::{self, BackupError, BackupKey, Done, Restored, Source, Standing, Wanted},
    faces::{stdout, words::command::backup as words},
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, Past, RoomEvent, now_ms},
    settings,
    store::{Asking, KeySource as _, OpenProfile, ProfileDir, Store, Vault, Wrap, engine_profile},
};

/// What is read of a file with a phrase, in bytes.
const MAX_READ: u64 = 1024;

/// Words that are asked for.
const ASKED: usize = 3;

/// How often a person may mistype them.
const TRIES: usize = 5;

#[derive(Debug, Args)]
pub(super) struct BackupCommand {
    /// A file, which is written anew each time; or a directory that is there, to which only what is new is added.
    #[arg(value_name = "FILE|DIR")]
    target: PathBuf,
    /// Let the daemon of this profile do it again and again, as long as it runs.
    #[arg(long, value_enum, value_name = "WHEN")]
    every: Option<Every>,
    /// The phrase is in this file; the first time it is written there, and you are not asked.
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    /// With the bytes of files that you sent and fetched, as far as they are where they were.
    #[arg(long)]
    files: bool,
}

#[derive(Debug, Args)]
pub(super) struct RestoreCommand {
    /// What `schat backup` wrote.
    #[arg(value_name = "FILE|DIR")]
    source: PathBuf,
    /// The phrase is in this file [default: you are asked for it].
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    #[command(flatten)]
    patience: Patience,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Every {
    /// Each hour.
    Hour,
    /// Each day.
    Day,
    /// Each week.
    Week,
    /// Not any more.
    Never,
}

impl Every {
    fn seconds(self) -> u64 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 604_800,
            Self::Never => 0,
        }
    }
}

/// A profile whose backup is made: ours, or beside a process that has it.
enum Opened {
    Ours(Box<OpenProfile>),
    Beside(Box<Store>),
}

impl Opened {
    fn with<T>(&mut self, work: impl FnOnce(&mut Store) -> Result<T, BackupError>) -> Result<T, BackupError> {
        match self {
            Self::Beside(store) => work(store),
            Self::Ours(profile) => {
                let mut done = None;
                profile.vault.now(|store| {
                    done = Some(work(store));
                    Ok(())
                })?;
                done.unwrap_or(Err(BackupError::Altered))
            }
        }
    }
}

fn opened(globals: &Globals) -> Result<Opened, Failure> {
    match setup::existing(globals) {
        Ok(profile) => Ok(Opened::Ours(Box::new(profile))),
        Err(failure) if failure.code == "in_use" => {
            let dir = ProfileDir::choose(globals.profile.clone())?;
            let path = dir.path();
            let open = |wrap: &Wrap| Ok(passphrase::opened(globals, path, wrap)?.key);
            let key = Asking::<Failure>(&open).key(path, &random())?;
            Ok(Opened::Beside(Box::new(Store::open_beside(path, &key, random())?)))
        }
        Err(failure) => Err(failure),
    }
}

impl BackupCommand {
    pub(super) fn run(&self, globals: &Globals) -> Result<Exit, Failure> {
        let mut opened = opened(globals)?;
        let told = |error: BackupError| words::failed(&error, &self.target);
        let target = absolute(&self.target).map_err(|error| told(error.into()))?;
        let key = self.key(&mut opened)?;
        let settings = settings::carried(&globals.settings);
        let done = opened.with(|store| once(store, &target, &key, self.files, settings)).map_err(told)?;
        // It was written and read back: from now on the phrase is with the person alone.
        opened.with(|store| Ok(store.set_phrase(&[])?)).map_err(told)?;
        if let Some(every) = self.every {
            let plan = Plans { target, every_s: every.seconds(), files: self.files, last: now_ms() };
            opened.with(|store| plan.save(store)).map_err(told)?;
            eprintln!("{}", if every == Every::Never { words::NOT_ANY_MORE } else { words::BY_DAEMON });
        }
        say_done(globals, &done);
        Ok(Exit::Ok)
    }

    /// What seals the backup. The first time there is a phrase to be written down.
    fn key(&self, opened: &mut Opened) -> Result<BackupKey, Failure> {
        let told = |error: BackupError| words::failed(&error, &self.target);
        let kept = opened.with(|store| Ok(store.backup_key()?)).map_err(told)?;
        let kept: Option<Zeroizing<[u8; 32]>> =
            kept.and_then(|key| key.as_slice().try_into().ok()).map(Zeroizing::new);
        let given = match &self.phrase_file {
            Some(path) if path.exists() => Some(phrase_in(path)?),
            _ => None,
        };
        match (kept, given) {
            (Some(kept), None) => Ok(BackupKey::from_bytes(&kept)),
            (Some(kept), Some(given)) if given.backup_key() == kept => Ok(BackupKey::from_bytes(&kept)),
            (Some(_), Some(_)) => Err(words::another_phrase()),
            (None, given) => {
                let phrase = self.first(opened, given)?;
                let key = phrase.backup_key();
                opened.with(|store| Ok(store.set_backup_key(key.as_slice())?)).map_err(told)?;
                Ok(BackupKey::from_bytes(&key))
            }
        }
    }

    /// The phrase of this profile, once the person has it.
    fn first(&self, opened: &mut Opened, given: Option<Phrase>) -> Result<Phrase, Failure> {
        let told = |error: BackupError| words::failed(&error, &self.target);
        let kept = opened.with(|store| Ok(store.phrase()?)).map_err(told)?;
        let kept = kept.and_then(|bytes| bytes.as_slice().try_into().ok().map(Zeroizing::new));
        let phrase = match (&kept, given) {
            (Some(kept), Some(given)) if given == Phrase::from_bytes(kept) => return Ok(given),
            // The account names what comes of its own phrase: another one would be of no use.
            (Some(_), Some(_)) => return Err(words::another_phrase()),
            (None, Some(given)) => return Ok(given),
            (Some(kept), None) => Phrase::from_bytes(kept),
            (None, None) => Phrase::draw(&random()),
        };
        opened.with(|store| Ok(store.set_phrase(phrase.as_bytes())?)).map_err(told)?;
        match &self.phrase_file {
            Some(path) => write_phrase(path, &phrase).map_err(|error| words::no_phrase_file(path, &error))?,
            None => show(&phrase)?,
        }
        Ok(phrase)
    }
}

/// Writes one backup of a profile.
fn once(
    store: &mut Store,
    target: &Path,
    key: &BackupKey,
    files: bool,
    settings: String,
) -> Result<Done, BackupError> {
    let account = store.account_secret()?.ok_or(BackupError::Altered)?;
    let texts = store.own_texts()?;
    let shown = (texts.name.as_str(), texts.status.as_str(), texts.glyph.as_str());
    let profile = engine_profile(&account, shown, &random())?;
    store.freeze()?;
    let source = Source { store, profile: &profile, settings, now: now_ms() };
    let done = backup::write(&source, &Wanted { target, key, files }, &random());
    store.thaw()?;
    done
}

/// What the daemon is to do.
#[derive(serde::Serialize, serde::Deserialize)]
struct Plans {
    target: PathBuf,
    every_s: u64,
    files: bool,
    /// Unix milliseconds.
    last: u64,
}

/// Where it is kept.
const PLAN: &str = "backup-plan";

impl Plans {
    fn save(&self, store: &mut Store) -> Result<(), BackupError> {
        let bytes = serde_json::to_vec(self).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(store.set_meta(PLAN, &bytes)?)
    }

    fn load(store: &Store) -> Result<Option<Self>, BackupError> {
        Ok(store.meta(PLAN)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

/// How often a daemon looks whether a backup is due.
const LOOK: Duration = Duration::from_secs(60);

/// Makes backups when they are due, beside the daemon's own work; for ever.
pub(super) async fn again_and_again(settings: String, vault: Vault, dir: ProfileDir) {
    loop {
        let (settings, vault, dir) = (settings.clone(), vault.clone(), dir.clone());
        // What fails is told, and tried again when it is due the next time.
        if let Ok(Err(failure)) = tokio::task::spawn_blocking(move || due(settings, &vault, &dir)).await {
            eprintln!("schat: {}", crate::faces::words::failure(&failure));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn due(settings: String, vault: &Vault, dir: &ProfileDir) -> Result<(), Failure> {
    // Read beside the rooms, which do not wait for it.
    let mut store = vault.now(|store| store.sibling(dir.path()))?;
    let Some(mut plan) = Plans::load(&store).map_err(|error| words::failed(&error, dir.path()))? else {
        return Ok(());
    };
    let told = |error: BackupError| words::failed(&error, &plan.target);
    let is_due = plan.every_s > 0 && now_ms().abs_diff(plan.last) >= plan.every_s.saturating_mul(1000);
    let Some(key) = store.backup_key()?.filter(|_| is_due) else { return Ok(()) };
    let Ok(key) = <[u8; 32]>::try_from(key.as_slice()).map(Zeroizing::new) else { return Ok(()) };
    let done = once(&mut store, &plan.target, &BackupKey::from_bytes(&key), plan.files, settings);
    let done = done.map_err(told);
    plan.last = now_ms();
    let target = plan.target.clone();
    plan.save(&mut store).map_err(|error| words::failed(&error, &target))?;
    done.map(|_| ())
}

fn say_done(globals: &Globals, done: &Done) {
    if globals.json {
        let Done { rooms, written, kept, gone } = done;
        stdout::line(
            &json!({ "v": 1, "rooms": rooms, "bytes": written, "kept": kept, "files_gone": gone })
                .to_string(),
        );
    } else {
        stdout::line(&words::done(done.rooms, done.written, done.kept));
        if done.gone > 0 {
            stdout::line(&words::files_gone(done.gone));
        }
    }
}

/// From the root: the daemon may be somewhere else.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

/// Shows a phrase once, and asks for some of its words.
fn show(phrase: &Phrase) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(words::nobody_to_show());
    }
    let shown = phrase.words();
    eprint!("{}", Zeroizing::new(words::phrase(&shown)).as_str());
    let mut places: Vec<usize> = Vec::new();
    while places.len() < ASKED.min(WORDS) {
        let place = usize::try_from(random().below(WORDS as u64)).unwrap_or(0);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.sort_unstable();
    for _ in 0..TRIES {
        eprint!("{}", words::asked(&places.iter().map(|place| place + 1).collect::<Vec<_>>()));
        let _ = io::stderr().flush();
        let typed = read_line(&mut io::stdin().lock()).map_err(|error| words::unreadable(&error))?;
        let Some(typed) = typed else { return Err(words::not_confirmed()) };
        let typed: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
        let wanted: Vec<&str> = places.iter().filter_map(|place| shown.get(*place).copied()).collect();
        if typed == wanted || typed == shown {
            return Ok(());
        }
        eprintln!("{}", words::NOT_THOSE);
    }
    Err(words::not_confirmed())
}

/// A line; none at the end.
fn read_line(from: &mut impl io::BufRead) -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::with_capacity(2 * MAX_READ as usize));
    let read = from.take(MAX_READ).read_line(&mut line)?;
    Ok((read > 0).then_some(line))
}

fn phrase_in(path: &Path) -> Result<Phrase, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(2 * MAX_READ as usize));
    let read = fs::File::open(path).and_then(|file| file.take(MAX_READ).read_to_string(&mut text));
    read.map_err(|error| words::no_phrase_file(path, &error))?;
    Phrase::parse(text.trim_start_matches('\u{feff}')).map_err(words::no_phrase)
}

/// For its owner alone, and never in the place of something else.
fn write_phrase(path: &Path, phrase: &Phrase) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let text = Zeroizing::new(format!("{}\n", phrase.words().join(" ")));
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

impl RestoreCommand {
    pub(super) async fn run(&self, globals: &Globals) -> Result<Exit, Failure> {
        let dir = ProfileDir::choose(globals.profile.clone())?;
        let told = |error: BackupError| words::failed(&error, &self.source);
        if dir.is_made() {
            return Err(told(BackupError::Occupied));
        }
        if !self.source.exists() {
            return Err(told(BackupError::Missing));
        }
        let phrase = match &self.phrase_file {
            Some(path) => phrase_in(path)?,
            None => ask_phrase()?,
        };
        let key = BackupKey::from_bytes(&phrase.backup_key());
        let place = (&dir, &words::REASONS);
        let restored = backup::restore(&self.source, &key, place, now_ms(), &random()).map_err(told)?;
        say_restored(globals, &restored, dir.path());
        self.settings(globals, &restored);
        if restored.rooms.iter().any(|room| room.standing == Standing::Asks) {
            come_back(globals, &restored, self.patience).await?;
        }
        Ok(Exit::Ok)
    }

    /// Where nobody has settings yet, those of the backup are used.
    fn settings(&self, globals: &Globals, restored: &Restored) {
        if restored.settings.is_empty() {
            return;
        }
        let Some(path) = settings::Settings::path(globals.config.as_deref()) else { return };
        let written = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?
                .write_all(restored.settings.as_bytes())
        };
        match written() {
            Ok(()) => eprintln!("{}", words::settings_here(&path)),
            Err(_) => eprintln!("{}", words::settings_stay(&path)),
        }
    }
}

fn ask_phrase() -> Result<Phrase, Failure> {
    if io::stdin().is_terminal() {
        eprint!("{}", words::QUESTION);
        let _ = io::stderr().flush();
    }
    let line = read_line(&mut io::stdin().lock()).map_err(|error| words::unreadable(&error))?;
    Phrase::parse(&line.unwrap_or_default()).map_err(words::no_phrase)
}

fn say_restored(globals: &Globals, restored: &Restored, dir: &Path) {
    if globals.json {
        let counts = restored.counts;
        stdout::line(
            &json!({
                "v": 1, "people": counts.people, "rooms": counts.rooms, "lines": counts.lines,
                "files": counts.files, "made": restored.made,
            })
            .to_string(),
        );
    } else {
        stdout::line(&words::restored(restored.counts, restored.made, dir));
    }
    for room in restored.rooms.iter().filter(|room| room.standing != Standing::Asks) {
        say_room(globals, &room.label, words::standing(room.standing));
    }
}

/// `(for programs, for people)`.
fn say_room(globals: &Globals, room: &str, (state, said): (&str, &str)) {
    match globals.json {
        true => stdout::line(&json!({ "v": 1, "room": room, "state": state }).to_string()),
        false => stdout::line(&format!("{room}: {said}")),
    };
}

/// Waits until members have let this device back into its rooms, and says of each how it stands.
async fn come_back(globals: &Globals, restored: &Restored, patience: Patience) -> Result<(), Failure> {
    let profile = setup::existing(globals)?;
    let plan = Plan { past: Past::Nothing, only: None, own: None };
    let (runtime, mut events) = setup::start(globals, profile, plan).await?;
    let asking = restored.rooms.iter().filter(|room| room.standing == Standing::Asks);
    let mut left: Vec<String> = asking.map(|room| room.label.clone()).collect();
    if !globals.json {
        eprintln!("{}", words::WAITING);
    }
    let _ = timeout(patience.time(), until_back(globals, &runtime, &mut events, &mut left)).await;
    for room in &left {
        say_room(globals, room, words::STILL_ASKS);
    }
    if !left.is_empty() && !globals.json {
        eprintln!("{}", words::LATER);
    }
    runtime.shutdown().await;
    Ok(())
}

async fn until_back(
    globals: &Globals,
    runtime: &Runtime,
    events: &mut mpsc::Receiver<Event>,
    left: &mut Vec<String>,
) {
    while !left.is_empty() {
        let Some(event) = events.recv().await else { return };
        seen(runtime, event.notice()).await;
        let Event::Room { room, event } = event else { continue };
        let Some(index) = left.iter().position(|label| **label == *room) else { continue };
        let told = match &event {
            RoomEvent::Notice { notice, .. } if notice.code() == Some("back") => words::BACK,
            RoomEvent::Notice { notice, .. } if notice.code() == Some("another_came") => {
                eprintln!("schat: {}", crate::faces::words::failure(&notice.into()));
                continue;
            }
            RoomEvent::Engine(shared::room::Event::Closed { .. }) => words::NO_MEMBER,
            _ => continue,
        };
        left.remove(index);
        say_room(globals, &room, told);
    }
}
