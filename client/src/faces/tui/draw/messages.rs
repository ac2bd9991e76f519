//! The messages of a room, from the bottom up.

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};
use shared::room::MessageId;

use super::{
    super::{
        app::{App, CHOICES, Pane, Row},
        bidi,
        wrap::cells,
    },
    pictures,
    row::{Drawn, Looks, choose},
    wrap,
};

pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, area: Rect) {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    app.extent = (width, height);
    app.places.messages = area;
    app.places.lines = Vec::new();
    settle(app, width);
    let Some(pane) = app.shown() else { return welcome(frame, app, area) };
    let looks = Looks::new(app, Some(pane));
    let fresh = scroll_to_fresh(&looks, pane, (width, height)).filter(|_| app.selected.is_none());
    let wanted = fresh.unwrap_or_else(|| scroll_to(&looks, pane, app.selected, (width, height)));
    let (up, scroll, at_top) = visible(&looks, pane, wanted, (width, height));
    let last = up.iter().find_map(|(id, _)| *id);
    let label = pane.label.clone();
    let free = height.saturating_sub(up.len());
    let mut shown: Vec<(Option<MessageId>, Drawn)> = up.into_iter().rev().collect();
    for (_, drawn) in shown.iter_mut().filter(|(id, _)| id.is_some() && *id == app.selected) {
        choose(drawn, width);
    }
    // Few messages stand at the bottom, above the input.
    app.places.lines = std::iter::repeat_n(None, free).chain(shown.iter().map(|(id, _)| *id)).collect();
    let free = u16::try_from(free).unwrap_or(0);
    let place = Rect { y: area.y + free, height: area.height - free, ..area };
    let spots = pictures::spots(shown.iter().map(|(_, drawn)| drawn), place);
    put(frame, place, shown.into_iter().map(|(_, drawn)| drawn));
    app.see_pictures();
    pictures::draw(frame, app, &spots);
    (app.at_top, app.is_short) = (at_top, at_top && free > 0);
    if let Some(pane) = app.panes.iter_mut().find(|pane| pane.label == label) {
        pane.scroll = scroll;
        pane.seeks_fresh &= app.selected.is_none() && !(fresh.is_some() && pane.has_begun);
        if fresh.is_some() || !pane.seeks_fresh {
            let last = last.and_then(|last| pane.entries().rev().find(|entry| entry.id == last)?.seq);
            pane.shown_upto = pane.shown_upto.max(last.unwrap_or(0));
        }
    }
}

/// How far up to look, so that what was not read begins at the top; none where nobody seeks it, or it is not here.
fn scroll_to_fresh(looks: &Looks<'_>, pane: &Pane, (width, height): (usize, usize)) -> Option<usize> {
    let mut below = 0;
    for (at, row) in pane.rows.iter().enumerate().rev().filter(|_| pane.seeks_fresh) {
        let above = Above::of(looks, pane, at);
        below += looks.height(row, width) + above.rows();
        if above.is_fresh {
            return Some(below.saturating_sub(height));
        }
    }
    None
}

/// Whoever has scrolled up goes on seeing the same: what came since then stands below.
fn settle(app: &mut App, width: usize) {
    let Some(pane) = app.shown().filter(|pane| pane.unmeasured > 0) else { return };
    let (label, looks) = (pane.label.clone(), Looks::new(app, Some(pane)));
    let came = pane.rows.iter().enumerate().skip(pane.measured());
    let lines = came.map(|(at, row)| looks.height(row, width) + Above::of(&looks, pane, at).rows());
    let lines = if pane.scroll > 0 { lines.sum() } else { 0 };
    if let Some(pane) = app.panes.iter_mut().find(|pane| pane.label == label) {
        (pane.scroll, pane.unmeasured) = (pane.scroll + lines, 0);
    }
}

/// Lines below each other; what is written from right to left stays in its place.
fn put(frame: &mut Frame<'_>, area: Rect, lines: impl Iterator<Item = Drawn>) {
    for (y, drawn) in (area.y..area.bottom()).zip(lines) {
        let row = Rect { y, height: 1, ..area };
        let body = area.x + u16::try_from(drawn.body).unwrap_or(0).min(area.width);
        draw_line(frame.buffer_mut(), &drawn.line, row);
        bidi::isolate(frame.buffer_mut(), y, area.x..body);
        bidi::isolate(frame.buffer_mut(), y, body..area.right());
    }
}

/// One part behind the other. A line's own drawing takes the widths of whole strings, which are less than what is drawn
/// where letters join, and the next part would cover the last letters of the one before.
fn draw_line(buffer: &mut Buffer, line: &Line<'_>, row: Rect) {
    buffer.set_style(row, line.style);
    let mut x = row.x;
    for span in &line.spans {
        span.render(Rect { x, width: row.right().saturating_sub(x), ..row }, buffer);
        x = x.saturating_add(u16::try_from(cells(&span.content)).unwrap_or(u16::MAX)).min(row.right());
    }
}

/// How far up to look, so that the chosen message is on the screen.
fn scroll_to(
    looks: &Looks<'_>,
    pane: &Pane,
    chosen: Option<MessageId>,
    (width, height): (usize, usize),
) -> usize {
    let Some(chosen) = chosen else { return pane.scroll };
    let mut below = 0;
    for (at, row) in pane.rows.iter().enumerate().rev() {
        let rows = looks.height(row, width) + Above::of(looks, pane, at).rows();
        if row.entry().is_some_and(|entry| entry.id == chosen) {
            let least = (below + rows).saturating_sub(height);
            return pane.scroll.clamp(least.min(below), below);
        }
        below += rows;
    }
    pane.scroll
}

type Visible = (Vec<(Option<MessageId>, Drawn)>, usize, bool);

/// The lines on the screen from the bottom up, how far up they really are, and whether the first row is among them.
fn visible(looks: &Looks<'_>, pane: &Pane, scroll: usize, (width, height): (usize, usize)) -> Visible {
    let (mut up, mut skip, mut total) = (Vec::new(), scroll, 0);
    let mut rows = pane.rows.iter().enumerate().rev();
    for (at, row) in rows.by_ref() {
        let above = Above::of(looks, pane, at);
        let tall = looks.height(row, width) + above.rows();
        total += tall;
        if skip >= tall {
            skip -= tall;
            continue;
        }
        let id = row.entry().map(|entry| entry.id);
        let lines = looks.lines(row, width).into_iter().rev().map(|line| (id, line));
        let above = above.lines(looks, width).into_iter().map(|line| (None, line));
        up.extend(lines.chain(above).skip(std::mem::take(&mut skip)));
        if up.len() >= height {
            break;
        }
    }
    let at_top = rows.next().is_none() && up.len() <= height;
    if up.len() < height && scroll > 0 {
        // Beyond the top: as far as there is something.
        let most = total.saturating_sub(height);
        if most < scroll {
            let (up, scroll, _) = visible(looks, pane, most, (width, height));
            return (up, scroll, true);
        }
    }
    up.truncate(height);
    (up, scroll, at_top)
}

/// Lines above a row that belong to no message.
struct Above {
    day: Option<jiff::civil::Date>,
    /// What follows was not read.
    is_fresh: bool,
}

impl Above {
    fn of(looks: &Looks<'_>, pane: &Pane, at: usize) -> Self {
        Self { day: day_before(looks, pane, at), is_fresh: pane.begins_unread(at) }
    }

    fn rows(&self) -> usize {
        usize::from(self.day.is_some()) + usize::from(self.is_fresh)
    }

    /// From the bottom up.
    fn lines(&self, looks: &Looks<'_>, width: usize) -> Vec<Drawn> {
        let fresh = self.is_fresh.then(|| looks.fresh_line(width));
        fresh.into_iter().chain(self.day.map(|date| looks.day_line(date, width))).collect()
    }
}

/// The day that begins with a row.
fn day_before(looks: &Looks<'_>, pane: &Pane, at: usize) -> Option<jiff::civil::Date> {
    let here = looks.day(pane.rows.get(at)?)?;
    let before = pane.rows.iter().take(at).rev().find_map(|row| looks.day(row));
    (before != Some(here)).then_some(here)
}

/// What a new person can do, when there is no room.
fn welcome(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let width = usize::from(area.width);
    let looks = Looks::new(app, None);
    let mut lines: Vec<Line<'_>> = Vec::new();
    let say = |lines: &mut Vec<Line<'_>>, text: &str| {
        lines.extend(wrap(text, width).into_iter().map(Line::from));
    };
    if app.is_new() {
        say(&mut lines, "Welcome. You are in no room yet.");
        lines.push(Line::default());
        for (place, (_, name, what)) in CHOICES.iter().enumerate() {
            let is_chosen = place == app.choice;
            let head = format!("{} {}  {name}", if is_chosen { ">" } else { " " }, place + 1);
            let style = if is_chosen { app.theme.selected() } else { app.theme.mine() };
            lines.push(Line::from(Span::styled(head, style)));
            let parts = wrap(what, width.saturating_sub(5)).into_iter();
            lines.extend(parts.map(|part| Line::from(format!("     {part}"))));
        }
        lines.push(Line::default());
        say(&mut lines, "A number, or arrows and Enter; F1 helps.");
        say(&mut lines, "You know a relay? /join LINK of it, then /create NAME.");
    } else {
        say(&mut lines, "Ctrl+K or Alt+1 goes to a room; F1 shows all keys and commands.");
    }
    let notes: Vec<Drawn> = app.notes.iter().flat_map(|row: &Row| looks.lines(row, width)).collect();
    let height = usize::from(area.height);
    lines.truncate(height);
    let used = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines), area);
    let rest = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    let skipped = notes.len().saturating_sub(usize::from(rest.height));
    put(frame, rest, notes.into_iter().skip(skipped));
}
