//! What lies over the rooms: help, the switcher, a link, the search, reactions, details.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Paragraph},
};

use super::{
    super::{
        app::{App, Details, Overlay, REACTIONS, Search, ShownLink},
        bidi,
        editor::Editor,
        times::moment,
    },
    boxed::{boxed, cursor},
    fit, hard_wrap, help, opening, wrap,
};
use crate::faces::{qr::qr, sanitize};

/// Cells that all reactions beside each other need, with a frame around them.
const WIDE: u16 = 50;

/// Draws it; says how far it can be scrolled, if it can.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, area: Rect) -> Option<usize> {
    let mut most = None;
    match &app.overlay {
        None => return None,
        Some(Overlay::Help(shown)) => most = Some(help::draw(frame, app, area, shown)),
        Some(Overlay::Switcher(text, at)) => switcher(frame, app, area, text, *at),
        Some(Overlay::Link(link)) => invite(frame, area, link),
        Some(Overlay::Code(shown)) => code(frame, &shown.link),
        Some(Overlay::Search(search)) => found(frame, app, area, search),
        Some(Overlay::Reactions(reactions)) => {
            let per_line = if area.width < WIDE { REACTIONS.len() / 2 } else { REACTIONS.len() };
            let choice = |(place, emoji): (usize, &&str)| {
                let text = format!(" {} {emoji} ", place + 1);
                let is_chosen = place == reactions.at && reactions.text.is_empty();
                if is_chosen { Span::styled(text, app.theme.selected()) } else { Span::raw(text) }
            };
            let choices: Vec<Span<'_>> = REACTIONS.iter().enumerate().map(choice).collect();
            let mut lines: Vec<Line<'_>> =
                choices.chunks(per_line).map(|line| Line::from(line.to_vec())).collect();
            let row = lines.len();
            lines.push(Line::from(format!("> {}", sanitize::line(reactions.text.text()))));
            boxed(frame, area, " Number or Enter; or type one; Esc ", lines);
            cursor(frame, area, &reactions.text, row);
        }
        Some(Overlay::Delete(_)) => {
            let text = "Everybody's program is asked to delete it. Copies that somebody made stay.";
            let lines = wrap(text, usize::from(area.width.saturating_sub(2))).into_iter().map(Line::from);
            boxed(frame, area, " Delete this message? y deletes, any other key does not ", lines.collect());
        }
        Some(Overlay::Details(Details { title, lines, scroll })) => {
            let width = usize::from(area.width.saturating_sub(2));
            let lines: Vec<Line<'_>> =
                lines.iter().flat_map(|line| wrap(line, width)).map(Line::from).collect();
            most = Some(scrolled(frame, area, title, lines, *scroll));
        }
        Some(Overlay::Open(open)) => opening::draw(frame, app, area, open),
    }
    (area.y..area.bottom()).for_each(|y| bidi::isolate(frame.buffer_mut(), y, area.x..area.right()));
    most
}

fn switcher(frame: &mut Frame<'_>, app: &App, area: Rect, text: &Editor, at: usize) {
    let found = app.found(text.text());
    let rooms = found.iter().enumerate().map(|(place, label)| {
        let line = Line::from(sanitize::line(label));
        if place == at { line.style(app.theme.selected()) } else { line }
    });
    let lines =
        std::iter::once(Line::from(format!("> {}", sanitize::line(text.text())))).chain(rooms).collect();
    boxed(frame, area, " Go to: Enter goes, Esc stays ", lines);
    cursor(frame, area, text, 0);
}

fn found(frame: &mut Frame<'_>, app: &App, area: Rect, search: &Search) {
    let width = usize::from(area.width.saturating_sub(2));
    let page = usize::from(area.height.saturating_sub(4)).max(1);
    let first = search.at.saturating_sub(page.saturating_sub(1));
    let hits = search.hits.iter().enumerate().skip(first).take(page);
    let hits = hits.map(|(place, hit)| {
        let room = if search.everywhere { format!("{} ", sanitize::line(&hit.room)) } else { String::new() };
        let when: String = moment(hit.at, &app.zone).chars().take(16).collect();
        let line = Line::from(fit(&format!("{when} {room}{}: {}", hit.name, hit.text), width));
        if place == search.at { line.style(app.theme.selected()) } else { line }
    });
    let told = match (search.text.text().trim().is_empty(), search.is_busy, search.hits.len()) {
        (true, ..) => "Type what to search for.".to_owned(),
        (_, true, _) => "Searching…".to_owned(),
        (_, false, 0) => "Nothing found.".to_owned(),
        (_, false, count) => format!("{count} found, the newest first."),
    };
    let head = [
        Line::from(format!("> {}", sanitize::line(search.text.text()))),
        Line::styled(told, app.theme.quiet()),
    ];
    let place = if search.everywhere { "all rooms; Tab: this room" } else { "this room; Tab: all rooms" };
    let title = format!(" Search {place}; Enter goes, Esc stays ");
    boxed(frame, area, &title, head.into_iter().chain(hits).collect());
    cursor(frame, area, &search.text, 0);
}

/// Without a frame, so that a terminal's own selection copies the link and nothing else.
fn invite(frame: &mut Frame<'_>, area: Rect, ShownLink { link, told, .. }: &ShownLink) {
    let width = usize::from(area.width);
    // No key is offered that shows nothing.
    let has_code = code_of(link, width).is_some_and(|code| code.len() <= usize::from(frame.area().height));
    let camera = if has_code { " q shows it as a code for a camera," } else { "" };
    let told = &format!("{told} c copies it,{camera} any other key closes.");
    let shown = |text: &str| wrap(text, width).into_iter().map(Line::from).collect::<Vec<_>>();
    let fits = |lines: &Vec<Line<'_>>| lines.len() <= usize::from(area.height);
    let link_only: Vec<_> = hard_wrap(link, width).into_iter().map(Line::from).collect();
    let whole = [shown(told), vec![Line::default()], link_only.clone()].concat();
    let with_code = code_of(link, width).map(|code| [whole.clone(), vec![Line::default()], code].concat());
    // A link without its end is none, and does not look like that.
    let all = [with_code, Some(whole), Some(link_only)].into_iter().flatten().find(fits);
    let lines = all.unwrap_or_else(|| shown("The terminal is too small for the link: c copies it."));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}

/// The whole screen: 24 rows are enough for any short link, but for nothing beside it.
fn code(frame: &mut Frame<'_>, link: &str) {
    let area = frame.area();
    let fits = |code: &Vec<Line<'_>>| code.len() <= usize::from(area.height);
    let lines = code_of(link, usize::from(area.width)).filter(fits);
    let lines = lines.unwrap_or_else(|| vec![Line::from("The terminal is too small for a code.")]);
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}

fn code_of(link: &str, width: usize) -> Option<Vec<Line<'static>>> {
    let code: Vec<_> = qr(link)?.lines().map(|line| Line::from(line.to_owned())).collect();
    code.first().is_some_and(|line| line.width() <= width).then_some(code)
}

fn scrolled(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>, scroll: usize) -> usize {
    let page = usize::from(area.height.saturating_sub(2));
    let most = lines.len().saturating_sub(page);
    let keys = if most > 0 { "arrows scroll, any other key closes" } else { "any key closes" };
    let lines = lines.into_iter().skip(scroll.min(most)).collect();
    boxed(frame, area, &format!(" {title}: {keys} "), lines);
    most
}
