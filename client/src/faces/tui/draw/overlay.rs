//! What lies over the rooms: help, the switcher, a link.

use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Block, Borders, Clear, Paragraph},
};

use super::{
    super::app::{App, KEYS, Overlay},
    fit, hard_wrap, wrap,
};
use crate::faces::{lines::COMMANDS, qr::qr, sanitize};

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, area: Rect) {
    match &app.overlay {
        None => {}
        Some(Overlay::Help(scroll)) => help(frame, area, *scroll),
        Some(Overlay::Switcher(text, at)) => switcher(frame, app, area, text, *at),
        Some(Overlay::Link(link)) => invite(frame, area, link),
    }
}

fn help(frame: &mut Frame<'_>, area: Rect, scroll: usize) {
    let width = usize::from(area.width.saturating_sub(2));
    let rows = KEYS.iter().chain(COMMANDS).flat_map(|(what, does)| {
        if width < 50 {
            return std::iter::once((*what).to_owned())
                .chain(wrap(does, width.saturating_sub(4)).into_iter().map(|line| format!("    {line}")))
                .collect::<Vec<_>>();
        }
        let lines = wrap(does, width.saturating_sub(25)).into_iter().enumerate();
        lines.map(|(at, line)| format!("{:<25}{line}", if at == 0 { what } else { "" })).collect()
    });
    let lines: Vec<Line<'_>> = rows.map(Line::from).collect();
    let page = usize::from(area.height.saturating_sub(2));
    let scroll = scroll.min(lines.len().saturating_sub(page));
    let title = if lines.len() > page {
        " Help: arrows scroll, any other key closes "
    } else {
        " Help: any key closes "
    };
    let lines: Vec<Line<'_>> = lines.into_iter().skip(scroll).collect();
    boxed(frame, area, title, lines);
}

fn switcher(frame: &mut Frame<'_>, app: &App, area: Rect, text: &str, at: usize) {
    let found = app.found(text);
    let rooms = found.iter().enumerate().map(|(place, label)| {
        let line = Line::from(sanitize::line(label));
        if place == at { line.style(app.theme.selected()) } else { line }
    });
    let lines = std::iter::once(Line::from(format!("> {}", sanitize::line(text)))).chain(rooms).collect();
    boxed(frame, area, " Go to: Enter goes, Esc stays ", lines);
}

/// Without a frame, so that a terminal's own selection copies the link and nothing else.
fn invite(frame: &mut Frame<'_>, area: Rect, link: &str) {
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'_>> =
        wrap("Whoever has this link can join; give it over a channel you trust. c copies it, any other key closes.", width)
            .into_iter()
            .map(Line::from)
            .collect();
    lines.push(Line::default());
    lines.extend(hard_wrap(link, width).into_iter().map(Line::from));
    lines.push(Line::default());
    if let Some(code) = qr(link) {
        let code: Vec<Line<'_>> = code.lines().map(|line| Line::from(line.to_owned())).collect();
        let fits = code.first().is_some_and(|line| line.width() <= width);
        if fits && lines.len() + code.len() <= usize::from(area.height) {
            lines.extend(code);
        }
    }
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}

fn boxed(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>) {
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = Rect { height, ..area };
    let block =
        Block::new().borders(Borders::ALL).title(fit(title, usize::from(area.width.saturating_sub(2))));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(block), place);
}
