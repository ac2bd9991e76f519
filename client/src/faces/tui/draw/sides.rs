//! Around the messages: the head, the rooms, the members, the status line.

use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Block, Borders, Paragraph},
};

use super::{
    super::app::{App, Pane},
    fit,
};
use crate::faces::{sanitize, words};

/// The room's name and what must be known of it.
pub(super) fn head(app: &App, width: u16) -> Paragraph<'static> {
    let text = match app.shown() {
        Some(pane) => {
            let open = match &pane.view {
                Some(view) if view.open => " · OPEN: whoever knows the name can read this",
                _ => "",
            };
            format!("{}{open}", sanitize::line(&pane.label))
        }
        None => "schat".to_owned(),
    };
    Paragraph::new(Line::from(fit(&format!(" {text}"), usize::from(width)))).style(app.theme.bar())
}

/// The rooms, the busiest first, with what is new in them.
pub(super) fn rooms(frame: &mut Frame<'_>, app: &App, area: Rect) {
    if area.width == 0 {
        return;
    }
    let width = usize::from(area.width.saturating_sub(1));
    let line = |(place, pane): (usize, &Pane)| {
        let number = if place < 9 { format!("{} ", place + 1) } else { "  ".to_owned() };
        let new = news(pane);
        let name = fit(&sanitize::line(&pane.label), width.saturating_sub(number.len() + new.len() + 1));
        let text = format!("{number}{name} {new}");
        let style = match pane {
            pane if app.current() == Some(&*pane.label) => app.theme.selected(),
            pane if pane.mentions > 0 => app.theme.mention(),
            pane if pane.unread > 0 => app.theme.mine(),
            pane if pane.over.is_some() => app.theme.quiet(),
            _ => ratatui::style::Style::new(),
        };
        Line::styled(text, style)
    };
    let lines: Vec<Line<'_>> = app.by_activity().into_iter().enumerate().map(line).collect();
    let block = Block::new().borders(Borders::RIGHT).border_style(app.theme.quiet());
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// Who is in the room.
pub(super) fn members(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let Some(view) = app.shown().and_then(|pane| pane.view.as_ref()) else { return };
    let width = usize::from(area.width.saturating_sub(2));
    let line = |member: &shared::engine::Member| {
        let me = if member.me { " (you)" } else { "" };
        let name = fit(&words::name(&member.person, Some(view)), width.saturating_sub(me.len()));
        Line::styled(format!(" {name}{me}"), app.theme.sender(&member.person.fingerprint))
    };
    let title = Line::styled(format!(" {} here", view.members.len()), app.theme.quiet());
    let lines: Vec<Line<'_>> = std::iter::once(title).chain(view.members.iter().map(line)).collect();
    let block = Block::new().borders(Borders::LEFT).border_style(app.theme.quiet());
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// What the program is doing.
pub(super) fn bar(app: &App, width: u16) -> Paragraph<'static> {
    let mut parts = vec![app.link.clone()];
    if let Some(pane) = app.shown() {
        match (&pane.over, &pane.catching_up, &pane.view) {
            (Some(_), ..) => parts.push("over".to_owned()),
            (None, Some((done, total)), _) => parts.push(format!("catching up {done}/{total}")),
            (None, None, Some(view)) => {
                parts.push(format!("epoch {}", view.epoch));
                parts.push(match view.members.len() {
                    1 => "1 member".to_owned(),
                    count => format!("{count} members"),
                });
            }
            (None, None, None) => parts.push("getting in".to_owned()),
        }
        if pane.scroll > 0 {
            parts.push("PgDn: newer".to_owned());
        }
    }
    let elsewhere = app.panes.iter().filter(|pane| app.current() != Some(&*pane.label));
    let (unread, mentions) = elsewhere.fold((0, 0), |(u, m), pane| (u + pane.unread, m + pane.mentions));
    if unread > 0 {
        let named = if mentions > 0 { format!(", {mentions} for you") } else { String::new() };
        parts.push(format!("{unread} new elsewhere{named} (Alt+A)"));
    }
    let text = fit(&format!(" {}", parts.join(" · ")), usize::from(width));
    Paragraph::new(Line::from(text)).style(app.theme.bar())
}

fn news(pane: &Pane) -> String {
    match (pane.unread, pane.mentions) {
        (0, _) => String::new(),
        (unread, 0) => unread.to_string(),
        (unread, mentions) => format!("{unread} @{mentions}"),
    }
}
