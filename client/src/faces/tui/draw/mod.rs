//! The state as cells.

mod bar;
mod boxed;
mod help;
mod input;
mod messages;
mod opening;
mod overlay;
mod pictures;
mod rooms;
mod row;
mod sides;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::{Paragraph, Wrap},
};

use super::{
    app::{App, Compose, Details, Help, Overlay},
    bidi,
    wrap::{fit, wrap},
};
use input::hard_wrap;

/// Cells of a side pane.
const SIDE: u16 = 22;

/// Below this width, in cells, there are no side panes; below the second there is only the one with rooms.
const NARROW: (u16, u16) = (60, 100);

/// Most lines of the input that are shown.
const INPUT: usize = 6;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App) {
    let all = frame.area();
    let typed = input::lines(app, usize::from(all.width));
    let height = u16::try_from(typed.lines.len().clamp(1, INPUT)).unwrap_or(1);
    let what = u16::from(app.compose != Compose::New);
    let rows = [1, 0, 1, what, height].map(Constraint::Length);
    let rows = rows.into_iter().enumerate().map(|(at, row)| if at == 1 { Constraint::Min(1) } else { row });
    let [head, middle, bar, what, typing] = Layout::vertical(rows).areas(all);
    let has_members =
        app.with_members && all.width >= NARROW.1 && app.shown().is_some_and(|pane| pane.view.is_some());
    let columns = [
        Constraint::Length(if all.width >= NARROW.0 && !app.panes.is_empty() { SIDE } else { 0 }),
        Constraint::Min(1),
        Constraint::Length(if has_members { SIDE } else { 0 }),
    ];
    let [rooms, centre, members] = Layout::horizontal(columns).areas(middle);
    app.gallery.measure(centre.width, centre.height);
    sides::head(frame, app, head);
    rooms::draw(frame, app, rooms);
    if has_members {
        sides::members(frame, app, members);
        app.see_avatars(usize::from(members.height));
    }
    messages::draw(frame, app, centre);
    let above = above_alarm(app, middle);
    if let Some(Overlay::Open(open)) = &mut app.overlay {
        open.drawn = opening::fits(above, open).then_some(open.at);
    }
    bar::draw(frame, app, bar);
    composing(frame, app, what);
    input::show(frame, app, typing, typed);
    // An alarm must not lie over a link.
    let has_link = matches!(app.overlay, Some(Overlay::Open(_) | Overlay::Link(_)));
    let most = overlay::draw(frame, app, if has_link { above } else { middle });
    if let (Some(most), Some(Overlay::Help(Help { scroll, .. }) | Overlay::Details(Details { scroll, .. }))) =
        (most, &mut app.overlay)
    {
        *scroll = (*scroll).min(most);
    }
    if let Some(alert) = &app.alert {
        alarm(frame, app, middle, alert);
    }
}

/// What Enter does with what is typed, when it is not simply sent.
fn composing(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let text = match &app.compose {
        Compose::New => return,
        Compose::Reply { shown, .. } => format!("↳ {shown}"),
        Compose::Edit { .. } => "Editing your message".to_owned(),
    };
    let esc = " (Esc: not)";
    let text = fit(&text, usize::from(area.width).saturating_sub(esc.len()));
    frame.render_widget(Paragraph::new(format!("{text}{esc}")).style(app.theme.quiet()), area);
    bidi::isolate(frame.buffer_mut(), area.y, area.x..area.right());
}

/// What an alarm leaves free.
fn above_alarm(app: &App, area: Rect) -> Rect {
    let lines = app.alert.as_ref().map_or(0, |text| wrap(text, usize::from(area.width)).len());
    Rect { height: area.height.saturating_sub(u16::try_from(lines).unwrap_or(u16::MAX)), ..area }
}

/// Over the bottom of the messages, until a key is pressed.
fn alarm(frame: &mut Frame<'_>, app: &App, area: Rect, text: &str) {
    let lines = wrap(text, usize::from(area.width));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    let place = Rect { y: area.bottom() - height, height, ..area };
    frame.render_widget(ratatui::widgets::Clear, place);
    let lines: Vec<Line<'_>> = lines.into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines).style(app.theme.bar()).wrap(Wrap { trim: false }), place);
}
