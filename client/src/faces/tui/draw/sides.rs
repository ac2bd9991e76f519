//! Around the messages: the head and the members.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Borders, Paragraph},
};
use shared::room::Present;
use unicode_width::UnicodeWidthStr;

use super::{
    super::{app::App, bidi, pictures::AVATAR},
    fit, pictures,
};
use crate::{
    faces::{sanitize, words},
    store::PictureKey,
};

/// Most cells of a member's sign.
const GLYPH: usize = 4;

/// The room's name and what must be known of it.
pub(super) fn head(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let text = match app.shown() {
        Some(pane) => {
            let open = match &pane.view {
                Some(view) if view.open => " · OPEN: anybody who knows the name can read this",
                _ => "",
            };
            let going = match &pane.view {
                Some(view) if view.disappear_s > 0 => format!(" · ⏱ {}", words::duration(view.disappear_s)),
                _ => String::new(),
            };
            let muted = if pane.is_muted { " · muted" } else { "" };
            // Last, in quotes, and without what separates here: it hides nothing that must be known, and passes for nothing of it.
            let topic = pane.view.as_ref().map(|view| sanitize::line(&view.topic));
            let topic = topic.map(|topic| topic.replace(['“', '”'], "'").replace(['·', '⏱'], "-"));
            let topic = topic.filter(|topic| !topic.is_empty()).map(|topic| format!(" · “{topic}”"));
            let topic = topic.unwrap_or_default();
            format!("{}{open}{going}{muted}{topic}", sanitize::line(&pane.label))
        }
        None => "schat".to_owned(),
    };
    let text = fit(&format!(" {text}"), usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::from(text)).style(app.theme.bar()), area);
    bidi::isolate(frame.buffer_mut(), area.y, area.x..area.right());
}

/// Who is in the room.
pub(super) fn members(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let Some(pane) = app.shown() else { return };
    let Some(view) = &pane.view else { return };
    let width = usize::from(area.width.saturating_sub(2));
    let line = |present: &Present<'_>| {
        let member = present.first;
        let mark = match (pane.verified.contains(&member.person.fingerprint.0), words::heard(present)) {
            _ if present.is_me => " (you)".to_owned(),
            (true, "") => " ✓".to_owned(),
            (true, word) => format!(" ✓ {word}"),
            (false, "") => String::new(),
            (false, word) => format!(" {word}"),
        };
        let glyph = Some(sanitize::line(&member.glyph)).filter(|glyph| !glyph.is_empty());
        let name = words::name(&member.person, Some(&**view));
        let name = glyph.map_or(name.clone(), |glyph| format!("{} {name}", fit(&glyph, GLYPH)));
        let key =
            member.avatar.as_ref().map(|avatar| PictureKey::of_avatar(avatar).shown_in(&pane.label, &[]));
        let key = key.filter(|key| app.gallery.canvas(key).is_some());
        let beside = key.map_or(0, |_| usize::from(AVATAR.0));
        let room = width.saturating_sub(beside);
        let name = fit(&name, room.saturating_sub(mark.width()));
        let style = app.theme.sender(&member.person.fingerprint);
        let status = Some(sanitize::line(&member.status)).filter(|status| !status.is_empty());
        let who = format!(" {name}{mark}");
        match key {
            None => {
                let status = status
                    .map(|status| Line::styled(format!("   {}", fit(&status, width - 2)), app.theme.quiet()));
                [Some((Line::styled(who, style), None)), status.map(|status| (status, None))]
            }
            Some(key) => {
                let status = format!(" {}", fit(&status.unwrap_or_default(), room));
                let (first, second) = (Span::styled(who, style), Span::styled(status, app.theme.quiet()));
                let line = |row, beside| Some((avatar_row(app, &key, row, beside), Some((key, row))));
                [line(0, first), line(1, second)]
            }
        }
        .into_iter()
        .flatten()
        .chain(devices(present, width, app).into_iter().map(|device| (device, None)))
        .collect::<Vec<_>>()
    };
    // Each name is held against all others, so only those that fit are.
    let people = view.people();
    let seen = people.iter().take(usize::from(area.height));
    let title = Line::styled(format!(" {} here", people.len()), app.theme.quiet());
    let lines: Vec<(Line<'_>, Option<(PictureKey, u16)>)> =
        std::iter::once((title, None)).chain(seen.flat_map(line)).collect();
    let spots: Vec<_> = lines.iter().map(|(_, spot)| *spot).collect();
    let lines: Vec<Line<'_>> = lines.into_iter().map(|(line, _)| line).collect();
    let block = Block::new().borders(Borders::LEFT).border_style(app.theme.quiet());
    frame.render_widget(Paragraph::new(lines).block(block), area);
    isolate(frame, area);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    pictures::beside(frame, app, inner, &spots);
}

/// The devices of somebody who has several here, a line each.
fn devices(present: &Present<'_>, width: usize, app: &App) -> Vec<Line<'static>> {
    let several = if present.devices.len() > 1 { present.devices.as_slice() } else { &[] };
    let style = app.theme.quiet();
    several
        .iter()
        .map(|member| {
            let here = if member.me { " (this one)" } else { "" };
            let name = sanitize::line(&member.device.name);
            let name = fit(&name, width.saturating_sub(4 + here.width()));
            Line::styled(format!("   · {name}{here}"), style)
        })
        .collect()
}

/// A row of a picture, and what stands beside it.
fn avatar_row(app: &App, key: &PictureKey, row: u16, beside: Span<'static>) -> Line<'static> {
    let mut spans = app.gallery.canvas(key).map(|canvas| canvas.row(usize::from(row))).unwrap_or_default();
    let drawn: usize = spans.iter().map(|span| span.content.width()).sum();
    spans.push(Span::raw(" ".repeat(usize::from(AVATAR.0).saturating_sub(drawn))));
    spans.push(beside);
    Line::from(spans)
}

pub(super) fn isolate(frame: &mut Frame<'_>, area: Rect) {
    (area.y..area.bottom()).for_each(|y| bidi::isolate(frame.buffer_mut(), y, area.x..area.right()));
}
