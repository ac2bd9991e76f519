//! The messages of a room, from the bottom up.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};
use unicode_width::UnicodeWidthStr;

use super::{
    super::{
        app::{App, Kind, Row},
        theme::Theme,
    },
    fit, wrap,
};

/// Cells of the time: `12:34 `.
const TIME: usize = 6;

/// Most cells that a name takes of a line.
const NAME: usize = 16;

/// What a new person can do, when there is no room.
const WELCOME: &[&str] = &[
    "You are in no room yet.",
    "",
    "Got an invite link?     Paste it here and press Enter.",
    "Want to run a relay?    Leave (Ctrl+D) and type: schat host lobby",
    "Know a relay?           /join LINK of the relay, then /create NAME",
    "Want to see it work?    Leave (Ctrl+D) and type: schat demo",
    "",
    "F1 shows all keys and commands.",
];

/// Cells before the text of a message.
pub(in super::super) fn indent(name: &str) -> usize {
    TIME + name.width().min(NAME) + 2
}

pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    app.extent = (width, height);
    let Some(pane) = app.shown() else {
        let notes: Vec<Line<'_>> =
            app.notes.iter().flat_map(|row| lines(row, app.theme, &app.zone, width)).collect();
        let room = height.saturating_sub(notes.len() + 1);
        let welcome = WELCOME.iter().flat_map(|line| wrap(line, width)).take(room).map(Line::from);
        let mut all: Vec<Line<'_>> = welcome.collect();
        all.push(Line::default());
        let rest = height.saturating_sub(all.len());
        all.extend(notes.iter().skip(notes.len().saturating_sub(rest)).cloned());
        frame.render_widget(Paragraph::new(all), area);
        return;
    };
    let wanted = height + pane.scroll;
    let (theme, zone) = (app.theme, &app.zone);
    let mut up: Vec<Line<'_>> = Vec::new();
    let mut rows = pane.rows.iter().rev();
    while let Some(row) = rows.next() {
        up.extend(lines(row, theme, zone, width).into_iter().rev());
        let before = rows.clone().find_map(|row| day(row, zone));
        let here = day(row, zone);
        if let Some(date) = here.filter(|_| before != here) {
            up.push(day_line(date, theme, width));
        }
        if up.len() >= wanted {
            break;
        }
    }
    let at_top = rows.next().is_none() && up.len() <= wanted;
    let scroll = pane.scroll.min(up.len().saturating_sub(height));
    let shown: Vec<Line<'_>> = up.into_iter().skip(scroll).take(height).rev().collect();
    // Few messages stand at the bottom, above the input.
    let free = u16::try_from(height - shown.len()).unwrap_or(0);
    let place = Rect { y: area.y + free, height: area.height - free, ..area };
    frame.render_widget(Paragraph::new(shown), place);
    let label = pane.label.clone();
    app.at_top = at_top;
    if at_top && let Some(pane) = app.panes.iter_mut().find(|pane| pane.label == label) {
        pane.scroll = if pane.is_whole { scroll } else { pane.scroll };
    }
}

fn lines(row: &Row, theme: Theme, zone: &TimeZone, width: usize) -> Vec<Line<'static>> {
    match row {
        Row::Message { at, name, who, text, mine, mentions, .. } => {
            let shown = fit(name, NAME);
            let indent = indent(name);
            let style = if *mine { theme.mine() } else { theme.sender(who) };
            let text_style = if *mentions { theme.mention() } else { ratatui::style::Style::new() };
            let parts = text.split('\n').flat_map(|part| wrap(part, width.saturating_sub(indent)));
            parts
                .enumerate()
                .map(|(number, part)| {
                    let text = Span::styled(part, text_style);
                    match number {
                        0 => Line::from(vec![
                            Span::styled(format!("{} ", time(*at, zone)), theme.quiet()),
                            Span::styled(shown.clone(), style),
                            Span::raw(if *mentions { "* " } else { ": " }),
                            text,
                        ]),
                        // Indented, so that a line break in a message cannot fake the next speaker.
                        _ => Line::from(vec![Span::raw(" ".repeat(indent)), text]),
                    }
                })
                .collect()
        }
        Row::Note { kind, text } => {
            let (mark, style) = match kind {
                Kind::Info => ("- ", theme.quiet()),
                Kind::Alarm => ("! ", theme.alarm()),
            };
            let parts = wrap(text, width.saturating_sub(2)).into_iter().enumerate();
            parts
                .map(|(number, part)| {
                    Line::styled(format!("{}{part}", if number == 0 { mark } else { "  " }), style)
                })
                .collect()
        }
    }
}

fn day(row: &Row, zone: &TimeZone) -> Option<Date> {
    match row {
        Row::Message { at, .. } => local(*at, zone).map(|at| at.date()),
        Row::Note { .. } => None,
    }
}

fn day_line(date: Date, theme: Theme, width: usize) -> Line<'static> {
    let text = format!(" {} ", date.strftime("%A, %-d %B %Y"));
    let rule = "-".repeat(width.saturating_sub(text.width()) / 2);
    Line::styled(fit(&format!("{rule}{text}{rule}"), width), theme.quiet())
}

fn time(at: u64, zone: &TimeZone) -> String {
    local(at, zone).map_or_else(|| "--:--".to_owned(), |at| at.strftime("%H:%M").to_string())
}

fn local(at: u64, zone: &TimeZone) -> Option<jiff::Zoned> {
    let at = Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()?;
    Some(at.to_zoned(zone.clone()))
}
