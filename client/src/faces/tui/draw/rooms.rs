//! The rooms at the left: the current one is always there, and what does not fit is counted.

use std::ops::Range;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::Line,
    widgets::{Block, Borders, Paragraph},
};
use unicode_width::UnicodeWidthStr;

use super::{
    super::app::{App, Pane},
    fit,
    sides::isolate,
};
use crate::{faces::sanitize, store::Over};

/// Below this many lines there is no room for saying that there is more.
const SHORT: usize = 3;

/// Stands behind a pinned room.
const PINNED: &str = "▴";

/// Stands behind a room where something is typed and not sent.
const DRAFT: &str = "✎";

/// The rooms with what is new in them, in the order in which keys go to them.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let labels: Vec<String> = app.by_activity().into_iter().map(|pane| pane.label.clone()).collect();
    let current = labels.iter().position(|label| app.current() == Some(label));
    let shown = window(labels.len(), current, usize::from(area.height));
    app.places.rooms = area;
    app.places.labels = labels.get(shown.clone()).unwrap_or_default().to_vec();
    if area.width == 0 {
        return;
    }
    let width = usize::from(area.width.saturating_sub(1));
    let panes = app.by_activity();
    let has_marks = usize::from(area.height) >= SHORT;
    let line = |place: usize| {
        let pane = panes.get(place)?;
        Some(match place {
            // A line that says how many are not here takes the place of one that is.
            first if has_marks && first == shown.start && first > 0 => {
                more(app, "↑", panes.get(..=first).unwrap_or_default())
            }
            last if has_marks && last + 1 == shown.end && shown.end < panes.len() => {
                more(app, "↓", panes.get(last..).unwrap_or_default())
            }
            place => room(app, place, pane, width),
        })
    };
    let lines: Vec<Line<'_>> = shown.clone().filter_map(line).collect();
    let block = Block::new().borders(Borders::RIGHT).border_style(app.theme.quiet());
    frame.render_widget(Paragraph::new(lines).block(block), area);
    isolate(frame, area);
}

/// Which of so many rooms are shown in so many lines: the current one is among them, and neither the first nor the last
/// where there are more beyond it.
fn window(count: usize, current: Option<usize>, height: usize) -> Range<usize> {
    if count <= height {
        return 0..count;
    }
    let start = current.unwrap_or(0).saturating_sub(height / 2).min(count - height);
    start..start + height
}

/// How many rooms are not shown there, and in how many of them is something new.
fn more(app: &App, arrow: &str, hidden: &[&Pane]) -> Line<'static> {
    let news = hidden.iter().filter(|pane| pane.unread > 0 && !pane.is_muted).count();
    let is_named = hidden.iter().any(|pane| pane.mentions > 0);
    let told = if news > 0 { format!(", {news} new") } else { String::new() };
    let style = match (is_named, news) {
        (true, _) => app.theme.mention(),
        (false, 0) => app.theme.quiet(),
        (false, _) => app.theme.mine(),
    };
    Line::styled(format!("{arrow} {} more{told}", hidden.len()), style)
}

fn room(app: &App, place: usize, pane: &Pane, width: usize) -> Line<'static> {
    let number = if place < 9 { format!("{} ", place + 1) } else { "  ".to_owned() };
    let is_current = app.current() == Some(&*pane.label);
    let new = news(pane, is_current);
    let name = fit(&sanitize::line(&pane.label), width.saturating_sub(number.len() + new.width() + 1));
    let style = match pane {
        _ if is_current => app.theme.selected(),
        pane if pane.mentions > 0 => app.theme.mention(),
        pane if pane.unread > 0 && !pane.is_muted => app.theme.mine(),
        pane if pane.over.is_some() || pane.is_muted => app.theme.quiet(),
        _ => Style::new(),
    };
    Line::styled(format!("{number}{name} {new}"), style)
}

fn news(pane: &Pane, is_current: bool) -> String {
    let pinned = if pane.is_pinned && pane.over != Some(Over::Left) { PINNED } else { "" };
    let draft = if is_current || pane.draft.trim().is_empty() { "" } else { DRAFT };
    let muted = if pane.is_muted { "z" } else { "" };
    let count = match (pane.unread, pane.mentions) {
        (0, _) => String::new(),
        (unread, 0) => unread.to_string(),
        (unread, mentions) => format!("{unread} @{mentions}"),
    };
    [pinned, draft, &count, muted].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_room_is_always_among_the_shown_and_not_under_a_mark() {
        for count in 0..40 {
            for height in 0..20 {
                for current in 0..count {
                    let shown = window(count, Some(current), height);
                    assert_eq!(shown.len(), count.min(height));
                    assert!(shown.end <= count);
                    assert!(shown.contains(&current) || height == 0, "{current} of {count} in {height}");
                    if height >= SHORT && count > height {
                        assert!(
                            current > shown.start || shown.start == 0,
                            "{current} of {count} in {height}"
                        );
                        assert!(
                            current + 1 < shown.end || shown.end == count,
                            "{current} of {count} in {height}"
                        );
                    }
                }
            }
        }
        assert_eq!(window(9, None, 4), 0..4);
    }
}
