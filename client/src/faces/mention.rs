//! Whether a line names us: the same for every face, and for what counts what was not read.

use shared::{message::timeline::Line, room::GroupView};

use super::{markup, sanitize};

/// Whether a line of somebody else's names us.
pub(crate) fn names_us(line: &Line, me: &str, view: Option<&GroupView>) -> bool {
    let Line { message, deleted, .. } = line;
    !message.mine && !deleted && is_for(&sanitize::paragraph(&message.text).join("\n"), me, view)
}

/// Whether a text that is safe for a terminal names us. The others' names are only looked at where one may go on behind
/// ours.
pub(crate) fn is_for(text: &str, me: &str, view: Option<&GroupView>) -> bool {
    let me = &sanitize::line(me);
    if !markup::names_us(text, markup::Names { me, others: &[] }) {
        return false;
    }
    let members = view.into_iter().flat_map(GroupView::others);
    let names = members.map(|member| sanitize::line(&member.person.name));
    let others: Vec<String> = names.filter(|name| name.len() > me.len() && name.starts_with(me)).collect();
    others.is_empty() || markup::names_us(text, markup::Names { me, others: &others })
}
