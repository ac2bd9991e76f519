//! The status line: what the program is doing, the most urgent first, because a narrow terminal cuts it off.

use ratatui::{Frame, layout::Rect, text::Line, widgets::Paragraph};

use super::{
    super::{
        app::{App, Open, Overlay, Pane, RelayStatus},
        bidi,
        keymap::Action,
    },
    fit,
};
use crate::faces::{markup, words};

/// Names of people who type that are told; more are only counted.
const TYPISTS: usize = 3;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let text = match &app.overlay {
        Some(Overlay::Open(open)) => opening(open).to_owned(),
        Some(Overlay::Delete(_)) => "y deletes · any other key does not".to_owned(),
        _ if app.selected.is_some() => keys(app),
        // It is a text, and may well be meant as one.
        None if app.editor.text() == "?" => helps(app).unwrap_or_else(|| status(app)),
        _ => status(app),
    };
    let text = fit(&format!(" {text}"), usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::from(text)).style(app.theme.bar()), area);
    bidi::isolate(frame.buffer_mut(), area.y, area.x..area.right());
}

/// What the keys do while a link may be opened; `y` is another's elsewhere.
fn opening(open: &Open) -> &'static str {
    match open.links.len() {
        _ if !open.is_seen() => "no room to show where it goes: y does nothing · any other key closes",
        1 => "y opens the link · any other key does not",
        _ => "y opens the link · arrows choose · any other key does not",
    }
}

/// For whoever looks for the help where `?` is typed.
fn helps(app: &App) -> Option<String> {
    let key = app.keys.first_key(Action::Help, false)?;
    Some(format!("{key} shows all keys and commands"))
}

/// What can be done with the chosen message.
fn keys(app: &App) -> String {
    let words = [
        (Action::Reply, "reply"),
        (Action::Quote, "quote"),
        (Action::Open, "open"),
        (Action::Fetch, "fetch"),
        (Action::Edit, "edit"),
        (Action::Delete, "delete"),
        (Action::React, "react"),
        (Action::Copy, "copy"),
        (Action::Details, "details"),
        (Action::Back, "back"),
    ];
    let is_mine = app.chosen().is_some_and(|entry| entry.mine);
    let has_link = app.chosen().is_some_and(|entry| !markup::opening(&entry.text).is_empty());
    let fits = |action: &Action| match action {
        Action::Edit | Action::Delete => is_mine,
        Action::Open => has_link,
        Action::Fetch => app.has_file(),
        _ => true,
    };
    let keys = words.into_iter().filter(|(action, _)| fits(action));
    let keys =
        keys.filter_map(|(action, word)| Some(format!("{} {word}", app.keys.first_key(action, true)?)));
    keys.collect::<Vec<_>>().join(" · ")
}

fn status(app: &App) -> String {
    let mut parts = vec![link(app)];
    parts.extend(app.gauge());
    if let Some(pane) = app.shown() {
        if let Some(typing) = typing(pane) {
            parts.push(typing);
        }
        parts.extend(room(pane));
        if pane.scroll > 0 || pane.is_behind {
            let key = app.keys.first_key(Action::PageDown, false);
            parts.push(format!("{}: newer", key.unwrap_or_else(|| "below".to_owned())));
        }
    }
    let elsewhere = app.panes.iter().filter(|pane| app.current() != Some(&*pane.label) && !pane.is_muted);
    let (unread, mentions) = elsewhere.fold((0, 0), |(u, m), pane| (u + pane.unread, m + pane.mentions));
    if unread > 0 {
        let named = if mentions > 0 { format!(", {mentions} for you") } else { String::new() };
        let key = app.keys.first_key(Action::Activity, false);
        let key = key.map(|key| format!(" ({key})")).unwrap_or_default();
        parts.push(format!("{unread} new elsewhere{named}{key}"));
    }
    if let Some((_, RelayStatus::Up(relay, _))) = app.links.last() {
        parts.push(relay.clone());
    }
    parts.join(" · ")
}

fn link(app: &App) -> String {
    match app.links.last().map(|(_, status)| status) {
        None => "Not connected".to_owned(),
        Some(RelayStatus::Connecting(relay)) => format!("Connecting to {relay}"),
        Some(RelayStatus::Down(why)) => why.clone(),
        Some(RelayStatus::Up(_, carrier)) => match app.round_trip {
            Some(time) if time.as_millis() == 0 => format!("{} <1 ms", carrier.name()),
            Some(time) => format!("{} {} ms", carrier.name(), time.as_millis()),
            None => carrier.name().to_owned(),
        },
    }
}

fn room(pane: &Pane) -> Vec<String> {
    match (&pane.over, &pane.catching_up, &pane.view) {
        (Some(why), ..) if why.is_archive() => vec!["archive of version 1, to be read".to_owned()],
        (Some(_), ..) => vec!["over".to_owned()],
        (None, Some((done, total)), _) => {
            vec![format!("catching up {}/{}", thousands(*done), thousands(*total))]
        }
        (None, None, Some(view)) => {
            let members = match view.count() {
                1 => "1 member".to_owned(),
                count => format!("{count} members"),
            };
            let mut others = view.others().peekable();
            let is_alone = others.peek().is_none();
            let verified = match others.all(|member| pane.verified.contains(&member.person.fingerprint.0)) {
                _ if is_alone => None,
                true => Some("verified"),
                false => Some("not verified"),
            };
            [format!("epoch {}", view.epoch), members]
                .into_iter()
                .chain(verified.map(str::to_owned))
                .collect()
        }
        (None, None, None) => vec!["getting in".to_owned()],
    }
}

fn typing(pane: &Pane) -> Option<String> {
    let view = pane.view.as_deref();
    let names: Vec<String> =
        pane.typing.iter().take(TYPISTS).map(|(person, _)| words::who(person, view)).collect();
    match (names.as_slice(), pane.typing.len()) {
        ([], _) => None,
        ([one], 1) => Some(format!("{one} is typing")),
        (_, count) if count > TYPISTS => Some(format!("{count} are typing")),
        (names, _) => Some(format!("{} are typing", names.join(", "))),
    }
}

/// 1,900
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn great_numbers_are_readable() {
        let shown = [0, 999, 1_900, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,900", "1,234,567"]);
    }
}
