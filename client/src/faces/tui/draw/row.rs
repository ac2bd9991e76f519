//! A row of a room as lines of cells.

use std::collections::BTreeSet;

use jiff::{civil::Date, tz::TimeZone};
use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{
    super::{
        app::{App, Kind, Pane, Row, ShownLine},
        pictures::Gallery,
        theme::Theme,
        times::{local, time},
        wrap::{breaks, cells},
    },
    fit, wrap,
};
use crate::{
    faces::{
        action,
        markup::{self, Look, Marked, Names},
        work,
    },
    settings::Times,
    store::PictureKey,
};

/// Most cells that a name takes of a line.
const NAME: usize = 16;

/// Cells kept at the right of our own messages for what became of them: `✓✓ 99`.
const STATE: usize = 6;

/// Cells of a side by side with reactions that are shown; more are only counted.
const REACTIONS: usize = 60;

/// Why the picture that was fetched is not there.
const TOO_LARGE: &str = "(too large to be shown)";

/// A line of cells, and the column where what others wrote begins: text on both sides of it is isolated from the other.
pub(super) struct Drawn {
    pub line: Line<'static>,
    pub body: usize,
    /// A picture stands there.
    pub picture: Option<Spot>,
}

/// A row of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub key: PictureKey,
    /// From its top.
    pub row: u16,
}

impl Drawn {
    pub(super) fn new(line: Line<'static>, body: usize) -> Self {
        Self { line, body, picture: None }
    }
}

/// What rows look like depends on.
pub(super) struct Looks<'a> {
    pub theme: Theme,
    pub zone: &'a TimeZone,
    pub times: Times,
    pub me: &'a str,
    pub others: Vec<String>,
    pub pane: Option<&'a Pane>,
    pub gallery: &'a Gallery,
}

impl<'a> Looks<'a> {
    /// For the rows of a room.
    pub(super) fn new(app: &'a App, pane: Option<&'a Pane>) -> Self {
        let view = pane.and_then(|pane| pane.view.as_deref());
        let members = view.into_iter().flat_map(shared::room::GroupView::others);
        Self {
            theme: app.theme,
            zone: &app.zone,
            times: app.times(),
            me: app.my_name(),
            others: members.map(|member| crate::faces::sanitize::line(&member.person.name)).collect(),
            pane,
            gallery: &app.gallery,
        }
    }

    /// The day of a row, if it has one.
    pub(super) fn day(&self, row: &Row) -> Option<Date> {
        local(row.entry()?.at, self.zone).map(|at| at.date())
    }

    /// The line before the first message of a day.
    pub(super) fn day_line(&self, date: Date, width: usize) -> Drawn {
        self.rule(&format!(" {} ", date.strftime("%A, %-d %B %Y")), self.theme.quiet(), width)
    }

    /// The line before the first message that was not read.
    pub(super) fn fresh_line(&self, width: usize) -> Drawn {
        self.rule(" not read ", self.theme.mine(), width)
    }

    fn rule(&self, text: &str, style: Style, width: usize) -> Drawn {
        let rule = "-".repeat(width.saturating_sub(cells(text)) / 2);
        Drawn::new(Line::styled(fit(&format!("{rule}{text}{rule}"), width), style), 0)
    }

    /// How many lines a row takes.
    pub(super) fn height(&self, row: &Row, width: usize) -> usize {
        let Some(entry) = row.entry() else { return self.lines(row, width).len() };
        let (measured, height) = entry.height.get();
        if measured == width && height > 0 {
            return height;
        }
        let height = self.lines(row, width).len();
        entry.height.set((width, height));
        height
    }

    /// A row; at least one line.
    pub(super) fn lines(&self, row: &Row, width: usize) -> Vec<Drawn> {
        match row {
            Row::Message(entry) => self.message(entry, width),
            Row::Note { kind, text, .. } => self.note(*kind, text, width),
        }
    }

    fn note(&self, kind: Kind, text: &str, width: usize) -> Vec<Drawn> {
        let (mark, style) = match kind {
            Kind::Info => ("- ", self.theme.quiet()),
            Kind::Loud => ("- ", self.theme.alarm()),
            Kind::Alarm => ("! ", self.theme.alarm()),
        };
        let parts = wrap(text, width.saturating_sub(2)).into_iter().enumerate();
        parts
            .map(|(number, part)| {
                let line = Line::styled(format!("{}{part}", if number == 0 { mark } else { "  " }), style);
                Drawn::new(line, 2)
            })
            .collect()
    }

    fn message(&self, entry: &ShownLine, width: usize) -> Vec<Drawn> {
        let time = time(entry.at, self.zone, self.times);
        let name = fit(&entry.name, NAME);
        let is_action = !entry.deleted && action::of(&entry.text).is_some();
        let (before, after) = match (is_action, entry.mentions) {
            (true, _) => ("* ", " "),
            (false, true) => ("", "* "),
            (false, false) => ("", ": "),
        };
        let (margin, indent) =
            (cells(&time) + 1, cells(&time) + 1 + before.len() + cells(&name) + after.len());
        let room = width.saturating_sub(indent + if entry.mine { STATE } else { 0 });
        let mut lines = Vec::new();
        if entry.reply_to.is_some() {
            lines.push(self.quote(entry, margin, width));
        }
        let style = if entry.mine { self.theme.mine() } else { self.theme.sender(&entry.who) };
        for (number, spans) in self.text(entry, room).into_iter().enumerate() {
            let mut line = if number == 0 {
                vec![
                    Span::styled(format!("{time} "), self.theme.quiet()),
                    Span::styled(format!("{before}{name}"), style),
                    Span::raw(after),
                ]
            } else {
                // Indented, so that a line break in a message cannot fake the next speaker.
                vec![Span::raw(" ".repeat(indent))]
            };
            line.extend(spans);
            lines.push(Drawn::new(Line::from(line), indent));
        }
        if entry.mine
            && let Some(last) = lines.last_mut()
        {
            let state = self.state(entry);
            let free = width.saturating_sub(line_cells(&last.line) + cells(&state));
            last.line.push_span(Span::styled(format!("{}{state}", " ".repeat(free)), self.theme.quiet()));
        }
        lines.extend(self.picture(entry, indent));
        if !entry.reactions.is_empty() {
            lines.push(self.reactions(entry, margin, width));
        }
        lines
    }

    /// What was said, wrapped, with its looks.
    fn text(&self, entry: &ShownLine, width: usize) -> Vec<Vec<Span<'static>>> {
        if entry.deleted {
            return vec![vec![Span::styled("(deleted)", self.theme.look(Look::Quote))]];
        }
        let text = action::of(&entry.text).unwrap_or(&entry.text);
        let mut marked = markup::mark(text, Names { me: self.me, others: &self.others });
        if let (Some(file), Some(first)) = (&entry.file, marked.first_mut()) {
            first.put_before(&format!("({}) ", file.told), Look::Mark);
        }
        if let (Some(by), Some(first)) = (&entry.handed_by, marked.first_mut()) {
            first.put_before(&format!("(handed over by {by}, not proven) "), Look::Mark);
        }
        if let (true, Some(last)) = (entry.edited, marked.last_mut()) {
            last.push(" (edited)", Look::Mark);
        }
        let base = if entry.mentions { self.theme.mention() } else { Style::new() };
        marked.iter().flat_map(|line| self.wrapped(line, base, width)).collect()
    }

    fn wrapped(&self, marked: &Marked, base: Style, width: usize) -> Vec<Vec<Span<'static>>> {
        let hang = marked.hang.min(width / 2);
        let styles = self.styles(marked, base);
        let lines = breaks(&marked.text, width, hang).into_iter().enumerate();
        lines
            .map(|(number, line)| {
                let mut spans = Vec::new();
                if number > 0 && hang > 0 {
                    spans.push(Span::raw(" ".repeat(hang)));
                }
                let first = styles.partition_point(|(start, _)| *start <= line.start).saturating_sub(1);
                let here = styles.iter().skip(first).take_while(|(start, _)| *start < line.end.max(1));
                let ends = styles.iter().skip(first + 1).map(|(start, _)| *start).chain([usize::MAX]);
                for ((start, style), end) in here.zip(ends) {
                    let part = (*start).max(line.start)..end.min(line.end);
                    let text = marked.text.get(part).unwrap_or_default().to_owned();
                    spans.push(Span::styled(text, *style));
                }
                spans
            })
            .collect()
    }

    /// Where another style begins, from the beginning of the text on: in one pass, however many looks there are.
    fn styles(&self, marked: &Marked, base: Style) -> Vec<(usize, Style)> {
        let looks = marked.looks.iter().enumerate();
        let mut edges: Vec<(usize, usize)> =
            looks.flat_map(|(look, (range, _))| [(range.start, look), (range.end, look)]).collect();
        edges.sort_unstable();
        let (mut styles, mut over) = (vec![(0, base)], BTreeSet::new());
        for edges in edges.chunk_by(|a, b| a.0 == b.0) {
            let Some((at, _)) = edges.first() else { continue };
            for (_, look) in edges {
                // It begins with the first of its edges and ends with the second.
                if !over.remove(look) {
                    over.insert(*look);
                }
            }
            let looks = over.iter().filter_map(|look| marked.looks.get(*look));
            let style = looks
                .inspect(|_| work::step())
                .fold(base, |style, (_, look)| style.patch(self.theme.look(*look)));
            styles.push((*at, style));
        }
        styles
    }

    /// Stands further left than any text of a message can.
    fn quote(&self, entry: &ShownLine, margin: usize, width: usize) -> Drawn {
        let answered = entry.reply_to.and_then(|id| self.pane?.entry(&id));
        let text = match answered {
            Some(answered) => format!("{}: {}", fit(&answered.name, NAME), answered.first_words()),
            None => "an earlier message".to_owned(),
        };
        let text = fit(&format!("↳ {text}"), width.saturating_sub(margin));
        let line = Line::styled(format!("{}{text}", " ".repeat(margin)), self.theme.quiet());
        Drawn::new(line, margin)
    }

    /// The rows of its picture: as text where that is blocks, else left empty.
    fn picture(&self, entry: &ShownLine, indent: usize) -> Vec<Drawn> {
        let Some(picture) = entry.picture.as_deref().filter(|_| !entry.deleted) else { return Vec::new() };
        let key = picture.key;
        let (_, rows) = self.gallery.cells(&key).unwrap_or_default();
        let canvas = self.gallery.canvas(&key);
        let row = |row: u16| {
            let mut spans = vec![Span::raw(" ".repeat(indent))];
            spans.extend(canvas.map(|canvas| canvas.row(usize::from(row))).unwrap_or_default());
            Drawn { picture: Some(Spot { key, row }), ..Drawn::new(Line::from(spans), indent) }
        };
        let note = self.gallery.is_too_large(&key).then(|| {
            let margin = Span::raw(" ".repeat(indent));
            let told = Span::styled(TOO_LARGE, self.theme.quiet());
            Drawn::new(Line::from(vec![margin, told]), indent)
        });
        (0..rows).map(row).chain(note).collect()
    }

    /// As far left as a quote, and never more than a line.
    fn reactions(&self, entry: &ShownLine, margin: usize, width: usize) -> Drawn {
        let room = width.saturating_sub(margin).min(REACTIONS);
        let (mut text, mut left) = (String::new(), entry.reactions.len());
        for reaction in &entry.reactions {
            let next = format!("{} {}  ", fit(&reaction.shown, NAME), reaction.people.len());
            if cells(&text) + cells(&next) + 4 > room && left > 0 && !text.is_empty() {
                break;
            }
            text.push_str(&next);
            left -= 1;
        }
        if left > 0 {
            text.push_str(&format!("+{left}"));
        }
        let text = fit(text.trim_end(), room);
        let line = Line::from(vec![Span::raw(" ".repeat(margin)), Span::styled(text, self.theme.quiet())]);
        Drawn::new(line, margin)
    }

    fn state(&self, entry: &ShownLine) -> String {
        match (entry.seq, self.pane.map_or(0, |pane| pane.readers(entry))) {
            (None, _) => "…".to_owned(),
            (Some(_), 0) => "✓".to_owned(),
            (Some(_), readers @ 1..=99) => format!("✓✓ {readers}"),
            (Some(_), _) => "✓✓ 99".to_owned(),
        }
    }
}

/// The whole line as the chosen one.
pub(super) fn choose(drawn: &mut Drawn, width: usize) {
    if drawn.picture.is_some() {
        return;
    }
    let free = width.saturating_sub(line_cells(&drawn.line));
    drawn.line.push_span(Span::raw(" ".repeat(free)));
    drawn.line.style = drawn.line.style.add_modifier(Modifier::REVERSED);
}

fn line_cells(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| cells(&span.content)).sum()
}
