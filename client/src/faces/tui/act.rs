//! Does what the keys asked for, with the runtime, and brings the answers back.

use shared::room::{Alteration, Command, MessageBody};
use tokio::{sync::mpsc, task::AbortHandle};

use super::{
    answer::Answer,
    app::{self, App, Choice, Effect, Here, Hit, Telling},
    begin::{self, Host},
    opener,
    pictures::{Job, Painter, Wish},
    spell::Speller,
    terminal::Screen,
};
use crate::{
    faces::{
        execute::{execute, removed},
        lines::{self, TypedLine},
        pending::Pending,
        unread::unread_rooms,
        words,
    },
    failure::Failure,
    handle::Runtime,
    runtime::{Event, Wanted},
    settings::{Dictionary, Spelling},
    store::{Cursor, FileLocation, PictureKey, Query},
};

/// Stored lines that are fetched at once when somebody scrolls up: some screens.
const PAGE: u32 = 200;

/// Most that a search finds: nobody reads further down.
const HITS: usize = 200;

/// Carries effects out.
pub(super) struct Act<'a> {
    runtime: &'a Runtime,
    pending: &'a Pending,
    answers: mpsc::Sender<Answer>,
    host: Option<Host>,
    /// The search that runs; a new one ends it.
    search: Option<AbortHandle>,
    /// Looks words up.
    speller: Option<Speller>,
    /// Paints pictures, once there is one.
    painter: Option<Painter>,
}

impl<'a> Act<'a> {
    /// Answers go into the channel.
    pub(super) fn new(
        runtime: &'a Runtime,
        pending: &'a Pending,
        answers: mpsc::Sender<Answer>,
        host: Option<Host>,
    ) -> Self {
        Self { runtime, pending, answers, host, search: None, speller: None, painter: None }
    }

    /// Begins to look words up, if somebody wants that and there is a program for it.
    pub(super) fn look_up_words(&mut self, wanted: &Spelling) -> bool {
        let answers = self.answers.clone();
        let told = move |word, is_good| {
            // The face may be gone.
            let _ = answers.blocking_send(Answer::Spelt(word, is_good));
        };
        let dictionary = wanted.dictionary.as_ref().map(Dictionary::as_str);
        self.speller = wanted.check.then(|| Speller::start(dictionary, told)).flatten();
        self.speller.is_some()
    }

    /// Asks for what was typed and is not known yet.
    pub(super) fn ask_words(&self, app: &mut App) {
        let Some(speller) = &self.speller else { return };
        let words = app.words_to_look_up();
        if !words.is_empty() {
            speller.ask(words);
        }
    }

    /// Has pictures painted that are on the screen and not here.
    pub(super) async fn ask_pictures(&mut self, app: &mut App) {
        for Wish { room, key, file, id, preview, shows, most, is_avatar } in app.gallery.take_wishes() {
            // What cannot be found is not shown; its preview is.
            let (place, preview) = match is_avatar {
                false => (self.runtime.file_place(&room, file).await.ok().flatten(), preview),
                true => (None, self.runtime.avatar(&room, file).await.ok().flatten().unwrap_or_default()),
            };
            let answers = self.answers.clone();
            let told = move |painted| answers.blocking_send(Answer::Painted(painted)).is_ok();
            let painter = self.painter.get_or_insert_with(|| Painter::start(told));
            if !painter.ask(Job { key, id, place, preview, shows, most, is_avatar }) {
                app.gallery.not_asked(&key);
            }
        }
    }

    /// What the runtime tells.
    pub(super) async fn take(&self, app: &mut App, event: Event) {
        let notice = event.notice();
        app.event(event, self.pending);
        if let Some(notice) = notice {
            // What cannot be marked comes again at the next start.
            let _ = self.runtime.seen(notice).await;
        }
    }

    /// Does what the keys asked for. True: the person quits.
    pub(super) async fn carry_out(
        &mut self,
        app: &mut App,
        screen: &mut Screen,
        effects: Vec<Effect>,
    ) -> bool {
        for effect in effects {
            match effect {
                Effect::Quit => return true,
                Effect::Copy(text) => {
                    screen.copy(&text);
                    app.note("Copied, if the terminal lets programs do that.".to_owned());
                }
                Effect::About { room, id, file } => {
                    let here = self.here(&room, file).await;
                    app.about_file(&id, &here);
                }
                Effect::Get { room, id } => {
                    let wanted = Wanted { message: id, output: None };
                    if let Err(reason) = self.runtime.get_file(&room, wanted).await {
                        app.alert(words::reason(&reason));
                    }
                }
                Effect::Open(link) => match opener::open(&link) {
                    Ok(()) => app.note("The link was given to the browser.".to_owned()),
                    Err(failure) => app.alert(words::failure(&failure)),
                },
                Effect::Redraw => screen.clear(app),
                Effect::Suspend => screen.suspend(app).await,
                Effect::Fetch(wanted) => self.fetch(app, wanted).await,
                Effect::Find { number, room, text } => self.find(number, room, text),
                Effect::Tell { room, what } => self.tell(app, &room, what).await,
                Effect::Draft { room, text } => self.draft(app, &room, &text).await,
                Effect::Begin(choice) => self.begin(app, choice).await,
                // Neither is worth a word when it cannot be told: the room is over, or we are not in it yet.
                Effect::Typing { room, stopped } => {
                    let _ = self.runtime.tell(&room, Command::Typing { stopped }).await;
                }
                Effect::Seen { room, seq } => {
                    let said = MessageBody::Seen(seq);
                    let _ = self.runtime.tell(&room, Command::Say { token: String::new(), body: said }).await;
                }
                // What cannot be kept is unread at the next start.
                Effect::Read { room, seq } => {
                    let _ = self.runtime.ack_at(&room, &Cursor::read(), seq).await;
                }
                Effect::Line(text) => match lines::parse(&text) {
                    Ok(TypedLine::Quit) => return true,
                    Ok(line) => self.line(app, line, text).await,
                    Err(failure) => refuse(app, &failure, text),
                },
            }
        }
        false
    }

    /// Where a file is, and whether it is what it was.
    async fn here(&self, room: &str, file: PictureKey) -> Here {
        let Ok(Some(place)) = self.runtime.file_place(room, file).await else { return Here::No };
        match std::fs::metadata(&place.path) {
            Ok(found) if FileLocation::of(place.path.clone(), &found) == place => Here::At(place.path),
            _ => Here::Was(place.path),
        }
    }

    /// What came back.
    pub(super) fn answer(&self, app: &mut App, answer: Answer) {
        match answer {
            Answer::Found { number, found } => app.take_hits(number, found),
            Answer::Spelt(word, is_good) => app.spelling.learn(word, is_good),
            Answer::Note(text) => app.note(text),
            Answer::Painted(painted) => app.take_painted(painted),
        }
    }

    /// Messages from the disk.
    pub(super) async fn fetch(&self, app: &mut App, wanted: app::Wanted) {
        let runtime = self.runtime;
        if let app::Wanted::Around { room, .. } = &wanted {
            // One that was left comes on the screen by a search alone.
            let status = runtime.room(room);
            status.iter().for_each(|status| app.show_rooms(std::slice::from_ref(status)));
        }
        let found = match &wanted {
            app::Wanted::Older { room, before } => runtime.past_before(room, *before, PAGE).await,
            app::Wanted::Newer { room, after } => runtime.past_after(room, *after, PAGE).await,
            app::Wanted::Latest { room } => runtime.past_before(room, u64::MAX, PAGE).await,
            app::Wanted::Around { room, seq } | app::Wanted::Unread { room, after: seq } => {
                let before = runtime.past_before(room, seq.saturating_add(1), PAGE / 2).await;
                match (before, runtime.past_after(room, *seq, PAGE / 2).await) {
                    (Ok(mut before), Ok(after)) => {
                        before.extend(after);
                        Ok(before)
                    }
                    (Err(reason), _) | (_, Err(reason)) => Err(reason),
                }
            }
        };
        let found = found.unwrap_or_else(|reason| {
            app.alert(words::reason(&reason));
            Vec::new()
        });
        // What a device was handed does not tell of changes.
        let changes = runtime.key_changes().await.unwrap_or_default();
        app.take_changes(&wanted, changes);
        app.take_page(&wanted, found);
    }

    async fn line(&self, app: &mut App, line: TypedLine, text: String) {
        let current = app.current().map(str::to_owned);
        let (is_info, forgets) = (line == TypedLine::Info, matches!(line, TypedLine::Forget(_)));
        match execute(self.runtime, self.pending, current.as_deref(), line).await {
            Ok(done) => {
                if let Some(room) = &done.go {
                    app.go(room);
                }
                app.set_me(self.runtime.me());
                app.show_rooms(&self.runtime.rooms());
                if forgets {
                    app.forget_others(&self.runtime.rooms());
                }
                if let Some(watched) = done.watch {
                    let (runtime, answers) = (self.runtime.clone(), self.answers.clone());
                    tokio::spawn(async move {
                        // The face may be gone.
                        let _ = answers.send(Answer::Note(removed(&runtime, watched).await)).await;
                    });
                }
                if is_info {
                    return app.details("Room", done.notes);
                }
                done.notes.into_iter().for_each(|note| app.note(note));
            }
            Err(failure) => refuse(app, &failure, text),
        }
    }

    fn find(&mut self, number: u64, room: Option<String>, text: String) {
        if let Some(before) = self.search.take() {
            before.abort();
        }
        let (runtime, answers) = (self.runtime.clone(), self.answers.clone());
        let task = tokio::spawn(async move {
            let found = runtime.search(room.as_deref(), &Query::new(&text, None), HITS).await;
            let found = found.map(|hits| hits.into_iter().map(Hit::from).collect());
            let found = found.map_err(|reason| words::reason(&reason));
            // The face may be gone.
            let _ = answers.send(Answer::Found { number, found }).await;
        });
        self.search = Some(task.abort_handle());
    }

    /// Something about a message.
    async fn tell(&self, app: &mut App, room: &str, what: Telling) {
        let act = |target, change| MessageBody::Act { target, change };
        let (said, typed) = match what {
            Telling::Reply { to, text } => {
                (MessageBody::Text { text: text.clone(), reply_to: Some(to), file: None }, Some(text))
            }
            Telling::Edit { target, text } => (act(target, Alteration::Edit(text.clone())), Some(text)),
            Telling::Delete { target } => (act(target, Alteration::Delete), None),
            Telling::React { target, emoji, withdrawn } => {
                (act(target, Alteration::React { emoji, withdrawn }), None)
            }
        };
        if let Err(failure) = self.pending.say(self.runtime, room, String::new(), said).await {
            app.alert(words::failure(&failure));
            typed.into_iter().for_each(|text| app.put_back(text));
        }
    }

    /// What was typed in the rooms before.
    pub(super) async fn load_drafts(&self, app: &mut App) {
        for room in self.runtime.rooms().into_iter().map(|status| status.label) {
            match self.runtime.draft(&room).await {
                Ok(Some(text)) => app.set_draft(&room, text.to_string()),
                Ok(None) => {}
                Err(reason) => app.alert(words::reason(&reason)),
            }
        }
    }

    /// What came while nobody looked.
    pub(super) async fn load_unread(&self, app: &mut App) {
        for (room, unread) in unread_rooms(self.runtime).await {
            match unread {
                Ok(unread) => app.set_unread(&room, &unread),
                Err(failure) => app.alert(words::failure(&failure)),
            }
        }
    }

    async fn draft(&self, app: &mut App, room: &str, text: &str) {
        if let Err(reason) = self.runtime.set_draft(room, text).await {
            app.alert(words::reason(&reason));
        }
    }

    async fn begin(&self, app: &mut App, choice: Choice) {
        let begun = match choice {
            Choice::Join => Ok(()),
            Choice::Host => begin::host(self.runtime, self.pending, self.host.as_ref(), app).await,
            Choice::Demo => begin::demo(self.answers.clone()),
        };
        if let Err(failure) = begun {
            app.alert(words::failure(&failure));
        }
    }
}

/// Nothing that was typed is lost: it stands in the input again.
fn refuse(app: &mut App, failure: &Failure, text: String) {
    app.alert(words::failure(failure));
    app.put_back(text);
}
