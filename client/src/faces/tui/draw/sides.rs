//! Around the messages: the head, the rooms, the members.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::Line,
    widgets::{Block, Borders, Paragraph},
};
use unicode_width::UnicodeWidthStr;

use super::{
    super::{
        app::{App, Pane},
        bidi,
    },
    fit,
};
use crate::faces::{sanitize, words};

/// Most cells of a member's sign.
const GLYPH: usize = 4;

/// The room's name and what must be known of it.
pub(super) fn head(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let text = match app.shown() {
        Some(pane) => {
            let open = match &pane.view {
                Some(view) if view.open => " · OPEN: whoever knows the name can read this",
                _ => "",
            };
            let going = match &pane.view {
                Some(view) if view.disappear_s > 0 => format!(" · ⏱ {}", words::duration(view.disappear_s)),
                _ => String::new(),
            };
            let muted = if pane.is_muted { " · muted" } else { "" };
            format!("{}{open}{going}{muted}", sanitize::line(&pane.label))
        }
        None => "schat".to_owned(),
    };
    let text = fit(&format!(" {text}"), usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::from(text)).style(app.theme.bar()), area);
    bidi::isolate(frame.buffer_mut(), area.y, area.x..area.right());
}

/// The rooms, the busiest first, with what is new in them.
pub(super) fn rooms(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    app.places.rooms = area;
    app.places.labels = app.by_activity().into_iter().map(|pane| pane.label.clone()).collect();
    if area.width == 0 {
        return;
    }
    let width = usize::from(area.width.saturating_sub(1));
    let line = |(place, pane): (usize, &Pane)| {
        let number = if place < 9 { format!("{} ", place + 1) } else { "  ".to_owned() };
        let new = news(pane);
        let name = fit(&sanitize::line(&pane.label), width.saturating_sub(number.len() + new.width() + 1));
        let text = format!("{number}{name} {new}");
        let style = match pane {
            pane if app.current() == Some(&*pane.label) => app.theme.selected(),
            pane if pane.mentions > 0 => app.theme.mention(),
            pane if pane.unread > 0 && !pane.is_muted => app.theme.mine(),
            pane if pane.over.is_some() || pane.is_muted => app.theme.quiet(),
            _ => Style::new(),
        };
        Line::styled(text, style)
    };
    let lines: Vec<Line<'_>> = app.by_activity().into_iter().enumerate().map(line).collect();
    let block = Block::new().borders(Borders::RIGHT).border_style(app.theme.quiet());
    frame.render_widget(Paragraph::new(lines).block(block), area);
    isolate(frame, area);
}

/// Who is in the room.
pub(super) fn members(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let Some(pane) = app.shown() else { return };
    let Some(view) = &pane.view else { return };
    let width = usize::from(area.width.saturating_sub(2));
    let line = |member: &shared::room::Member| {
        let mark = match (pane.verified.contains(&member.person.fingerprint.0), words::heard(member)) {
            _ if member.me => " (you)".to_owned(),
            (true, "") => " ✓".to_owned(),
            (true, word) => format!(" ✓ {word}"),
            (false, "") => String::new(),
            (false, word) => format!(" {word}"),
        };
        let glyph = Some(sanitize::line(&member.glyph)).filter(|glyph| !glyph.is_empty());
        let name = words::name(&member.person, Some(view));
        let name = glyph.map_or(name.clone(), |glyph| format!("{} {name}", fit(&glyph, GLYPH)));
        let name = fit(&name, width.saturating_sub(mark.width()));
        let who = Line::styled(format!(" {name}{mark}"), app.theme.sender(&member.person.fingerprint));
        let status = Some(sanitize::line(&member.status)).filter(|status| !status.is_empty());
        let status =
            status.map(|status| Line::styled(format!("   {}", fit(&status, width - 2)), app.theme.quiet()));
        [Some(who), status].into_iter().flatten()
    };
    // Each name is held against all others, so only those that fit are.
    let seen = view.members.iter().take(usize::from(area.height));
    let title = Line::styled(format!(" {} here", view.members.len()), app.theme.quiet());
    let lines: Vec<Line<'_>> = std::iter::once(title).chain(seen.flat_map(line)).collect();
    let block = Block::new().borders(Borders::LEFT).border_style(app.theme.quiet());
    frame.render_widget(Paragraph::new(lines).block(block), area);
    isolate(frame, area);
}

fn isolate(frame: &mut Frame<'_>, area: Rect) {
    (area.y..area.bottom()).for_each(|y| bidi::isolate(frame.buffer_mut(), y, area.x..area.right()));
}

fn news(pane: &Pane) -> String {
    let muted = if pane.is_muted { "z" } else { "" };
    match (pane.unread, pane.mentions) {
        (0, _) => muted.to_owned(),
        (unread, 0) => format!("{unread}{muted}"),
        (unread, mentions) => format!("{unread} @{mentions}{muted}"),
    }
}
