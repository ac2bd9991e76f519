//! The links of a message, before one is opened: where it goes comes first, and is seen however long the link is.

use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Clear, Paragraph},
};

use super::{
    super::app::{App, Open},
    boxed::boxed,
    hard_wrap, wrap,
};

/// Lines of one link at most. Its beginning is enough: what decides is the host, and that stands for itself.
const LINES: usize = 3;

/// Cells and rows of a frame.
const FRAME: u16 = 2;

/// Whether the chosen link's host can be drawn there as a whole.
pub(super) fn fits(area: Rect, open: &Open) -> bool {
    let plain = (usize::from(area.width), usize::from(area.height));
    is_framed(area, open) || goes(open, plain.0).is_some_and(|host| host.len() <= plain.1)
}

/// Draws the chosen link, and those behind it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, area: Rect, open: &Open) {
    let frames = if is_framed(area, open) { FRAME } else { 0 };
    let (width, page) =
        (usize::from(area.width.saturating_sub(frames)), usize::from(area.height.saturating_sub(frames)));
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (place, (link, host)) in open.links.iter().enumerate().skip(open.at) {
        let is_chosen = place == open.at;
        let goes = end(goes_to(host, width), page);
        if !is_chosen && lines.len() + goes.len() >= page {
            break;
        }
        lines.extend(goes.into_iter().map(Line::from));
        let style = if is_chosen { app.theme.selected() } else { app.theme.quiet() };
        let room = page.saturating_sub(lines.len()).min(LINES);
        lines.extend(beginning(link, width, room).into_iter().map(|line| Line::styled(line, style)));
    }
    if frames == 0 {
        let place = Rect { height: u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height), ..area };
        frame.render_widget(Clear, place);
        return frame.render_widget(Paragraph::new(lines), place);
    }
    let title = match open.links.len() {
        1 => " Open in the browser? y opens, any other key does not ".to_owned(),
        count => format!(" Open {} of {count}? y opens, arrows choose, others close ", open.at + 1),
    };
    boxed(frame, area, &title, lines);
}

/// A frame leaves room for the host and a line of the link; a terminal that is too small for that goes without.
fn is_framed(area: Rect, open: &Open) -> bool {
    let width = usize::from(area.width.saturating_sub(FRAME));
    let page = usize::from(area.height.saturating_sub(FRAME));
    width > 0 && goes(open, width).is_some_and(|host| host.len() < page)
}

fn goes(open: &Open, width: usize) -> Option<Vec<String>> {
    open.links.get(open.at).map(|(_, host)| goes_to(host, width))
}

fn goes_to(host: &str, width: usize) -> Vec<String> {
    wrap(&format!("goes to {host}"), width)
}

/// The last of the lines: whose a host is, its end says.
fn end(mut lines: Vec<String>, count: usize) -> Vec<String> {
    lines.split_off(lines.len().saturating_sub(count))
}

/// The first lines of a link, with a mark when there is more.
fn beginning(link: &str, width: usize, count: usize) -> Vec<String> {
    let mut lines = hard_wrap(link, width);
    let is_cut = lines.len() > count;
    lines.truncate(count);
    if let Some(last) = lines.last_mut().filter(|_| is_cut) {
        last.pop();
        last.push('…');
    }
    lines
}
