//! Pictures under lines.

use super::{
    super::pictures::{Painted, found, window},
    App,
};
use crate::store::PictureKey;

impl App {
    /// Looks how this terminal shows pictures, and how large its cells are.
    pub(crate) fn find_pictures(&mut self) {
        let wanted = self.settings.screen.pictures;
        self.gallery.set(found(wanted, window(), |name| std::env::var(name).ok()));
    }

    /// A picture is there, or what is there of it.
    pub(crate) fn take_painted(&mut self, painted: Painted) {
        let key = painted.key;
        if !self.gallery.take(painted) {
            return;
        }
        // Its line has another height now.
        let entries = self.panes.iter().flat_map(super::pane::Pane::entries);
        let of = entries.filter(|entry| entry.picture.as_ref().is_some_and(|picture| picture.key == key));
        of.for_each(|entry| entry.height.set((0, 0)));
    }

    /// Asks for the pictures of members who are on the screen: as many as there are lines at most.
    pub(in super::super) fn see_avatars(&mut self, lines: usize) {
        let here = self.current.as_deref();
        let Some(pane) = here.and_then(|room| self.panes.iter().find(|pane| pane.label == room)) else {
            return;
        };
        let members = pane
            .view
            .iter()
            .flat_map(|view| view.people().into_iter().take(lines).map(|present| present.first));
        for avatar in members.filter_map(|member| member.avatar.as_ref()) {
            let avatar = PictureKey::of_avatar(avatar);
            self.gallery.see_avatar(&pane.label, avatar.shown_in(&pane.label, &[]), avatar);
        }
    }

    /// Asks for those whose lines are on the screen.
    pub(in super::super) fn see_pictures(&mut self) {
        if self.gallery.shows().is_none() {
            return;
        }
        let Some(pane) =
            self.current.as_deref().and_then(|room| self.panes.iter().find(|pane| pane.label == room))
        else {
            return;
        };
        let mut ids: Vec<_> = self.places.lines.iter().flatten().collect();
        ids.dedup();
        for picture in ids.into_iter().filter_map(|id| pane.entry(id)?.picture.as_deref()) {
            self.gallery.see(&pane.label, picture.key, picture.file, &picture.preview);
        }
    }
}
