//! Which pictures are here, and which are wanted: those that are on the screen.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
};

use super::{Canvas, How, Painted, Shows};
use crate::store::PictureKey;

/// Bytes of pictures that are kept beside those on the screen; those that were not seen for the longest time go first.
const BYTES: usize = 16 << 20;

/// Pictures of which is remembered how large they are.
const KNOWN: usize = 2_000;

/// Most columns and rows of a picture.
const MOST: (u16, u16) = (40, 12);

/// Columns and rows of the picture of a member.
pub(crate) const AVATAR: (u16, u16) = (4, 2);

/// Columns that are left for the time and the name before it.
const BESIDE: u16 = 26;

/// Pictures as the screen shows them. It does nothing by itself.
#[derive(Debug, Default)]
pub(crate) struct Gallery {
    shows: Option<Shows>,
    most: (u16, u16),
    slots: BTreeMap<PictureKey, Slot>,
    ids: Ids,
    /// Counts what was drawn.
    frame: u64,
    wishes: Vec<Wish>,
}

/// What terminals call pictures: counted from anywhere, for what others choose would be taken for another one's.
#[derive(Debug)]
struct Ids(u32);

impl Default for Ids {
    fn default() -> Self {
        let bytes = RandomState::new().hash_one(0).to_be_bytes();
        Self(bytes.first_chunk().map_or(0, |id| u32::from_be_bytes(*id)))
    }
}

impl Ids {
    /// Never 0, which is none.
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(1).max(1);
        self.0
    }
}

/// A picture that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub room: String,
    /// As it is shown here.
    pub key: PictureKey,
    /// Its file, or the picture of a member.
    pub file: PictureKey,
    /// What the terminal calls it.
    pub id: u32,
    /// What came with the message.
    pub preview: Vec<u8>,
    pub shows: Shows,
    /// Columns and rows that there are for it.
    pub most: (u16, u16),
    /// It is the picture of a member, and has no message.
    pub is_avatar: bool,
}

#[derive(Debug, Default)]
struct Slot {
    canvas: Option<Canvas>,
    /// Columns and rows, also while there is no canvas: what is said around it stays in its place.
    cells: Option<(u16, u16)>,
    state: State,
    /// A file came while this was being looked for: what is found may be older.
    looks_again: bool,
    id: u32,
    is_too_large: bool,
    /// The frame that showed it last.
    seen: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    New,
    Asked,
    /// There is no more of it here: only the preview, or nothing.
    Part,
    Whole,
    /// It is here and cannot be shown: it would not be better the next time.
    Refused,
}

impl Gallery {
    /// How this terminal shows pictures; none: it does not.
    pub(crate) fn set(&mut self, shows: Option<Shows>) {
        if self.shows != shows {
            self.shows = shows;
            self.paint_anew(true);
        }
    }

    /// How this terminal shows pictures.
    pub(crate) fn shows(&self) -> Option<&Shows> {
        self.shows.as_ref()
    }

    /// The messages have so many columns and rows. Begins a frame.
    pub(crate) fn measure(&mut self, columns: u16, rows: u16) {
        self.frame += 1;
        let most = (columns.saturating_sub(BESIDE).clamp(5, MOST.0), (rows / 2).clamp(2, MOST.1));
        if self.most != most {
            self.most = most;
            self.paint_anew(false);
        }
    }

    /// The screen was written over, and what the terminal kept of pictures may be gone.
    pub(crate) fn forget_drawn(&mut self) {
        self.paint_anew(true);
    }

    /// What the terminal is to be told at the end: to forget what it keeps.
    pub(crate) fn closing(&self) -> &'static [u8] {
        match self.shows {
            Some(Shows { how: How::Kitty, in_tmux: false, .. }) => b"\x1b_Ga=d,d=A,q=2\x1b\\",
            _ => b"",
        }
    }

    /// A file came or went: what was not whole may be now.
    pub(crate) fn look_again(&mut self) {
        for slot in self.slots.values_mut() {
            match slot.state {
                State::Part => slot.state = State::New,
                State::Asked => slot.looks_again = true,
                State::New | State::Whole | State::Refused => {}
            }
        }
    }

    /// Columns and rows of a picture; none: nothing of it is shown.
    pub(crate) fn cells(&self, key: &PictureKey) -> Option<(u16, u16)> {
        self.shows.as_ref()?;
        self.slots.get(key)?.cells
    }

    /// The picture, if it is here.
    pub(crate) fn canvas(&self, key: &PictureKey) -> Option<&Canvas> {
        self.slots.get(key)?.canvas.as_ref()
    }

    /// It has more pixels than are shown.
    pub(crate) fn is_too_large(&self, key: &PictureKey) -> bool {
        self.shows.is_some() && self.slots.get(key).is_some_and(|slot| slot.is_too_large)
    }

    /// It is on the screen.
    pub(crate) fn see(&mut self, room: &str, key: PictureKey, file: PictureKey, preview: &[u8]) {
        self.want(room, (key, file), preview, false);
    }

    /// The picture of a member is on the screen.
    pub(crate) fn see_avatar(&mut self, room: &str, key: PictureKey, avatar: PictureKey) {
        self.want(room, (key, avatar), &[], true);
    }

    fn want(&mut self, room: &str, (key, file): (PictureKey, PictureKey), preview: &[u8], is_avatar: bool) {
        let Some(shows) = self.shows else { return };
        let (frame, most) = (self.frame, if is_avatar { AVATAR } else { self.most });
        let ids = &mut self.ids;
        let slot = self.slots.entry(key).or_insert_with(|| Slot { id: ids.next(), ..Slot::default() });
        slot.seen = frame;
        if slot.state == State::New {
            (slot.state, slot.looks_again) = (State::Asked, false);
            let id = slot.id;
            let (room, preview) = (room.to_owned(), preview.to_vec());
            self.wishes.push(Wish { room, key, file, id, preview, shows, most, is_avatar });
        }
        if self.slots.len() > KNOWN
            && let Some(oldest) = self.slots.iter().min_by_key(|(_, slot)| slot.seen).map(|(key, _)| *key)
        {
            self.slots.remove(&oldest);
        }
    }

    /// What is to be painted, once.
    pub(crate) fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// Whoever paints has too much to do: it is wanted again when it is seen again.
    pub(crate) fn not_asked(&mut self, key: &PictureKey) {
        self.slots.get_mut(key).into_iter().for_each(|slot| slot.state = State::New);
    }

    /// A picture came. True: it takes other cells than before.
    pub(crate) fn take(&mut self, painted: Painted) -> bool {
        let Painted { key, shows, most, canvas, cells, is_whole, is_refused, is_too_large } = painted;
        let is_current = self.shows == Some(shows) && (self.most == most || most == AVATAR);
        let Some(slot) = self.slots.get_mut(&key) else { return false };
        if !is_current {
            slot.state = State::New;
            return false;
        }
        let before = (slot.cells, slot.is_too_large);
        slot.state = match (is_whole, is_refused, slot.looks_again) {
            (true, ..) => State::Whole,
            (false, true, _) => State::Refused,
            (false, false, true) => State::New,
            (false, false, false) => State::Part,
        };
        (slot.canvas, slot.is_too_large) = (canvas, is_too_large);
        slot.cells = slot.canvas.is_some().then_some(cells);
        let is_changed = before != (slot.cells, is_too_large);
        self.forget_oldest();
        is_changed
    }

    /// What is not on the screen, until the rest is little enough.
    fn forget_oldest(&mut self) {
        let mut bytes: usize =
            self.slots.values().filter_map(|slot| slot.canvas.as_ref()).map(Canvas::bytes).sum();
        while bytes > BYTES {
            let away = self.slots.values_mut().filter(|slot| slot.canvas.is_some() && slot.seen < self.frame);
            let Some(oldest) = away.min_by_key(|slot| slot.seen) else { return };
            bytes = bytes.saturating_sub(oldest.canvas.take().map_or(0, |canvas| canvas.bytes()));
            oldest.state = State::New;
        }
    }

    /// `is_gone`: what is here is of no use meanwhile.
    fn paint_anew(&mut self, is_gone: bool) {
        self.wishes.clear();
        for slot in self.slots.values_mut() {
            slot.state = State::New;
            if is_gone {
                slot.canvas = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::identity::Avatar;

    use super::{super::blocks::Blocks, *};

    const SHOWS: Shows = Shows { how: How::Blocks { is_true: true }, cell: (8, 16), in_tmux: false };

    fn gallery() -> Gallery {
        let mut gallery = Gallery::default();
        gallery.set(Some(SHOWS));
        gallery.measure(80, 20);
        gallery
    }

    fn key(n: u32) -> PictureKey {
        let avatar = Avatar { id: [0; 16], key: [0; 32], parts: [0; 32], size: n };
        PictureKey::of_avatar(&avatar)
    }

    fn painted(gallery: &Gallery, n: u32, bytes: usize, is_whole: bool) -> Painted {
        let width = bytes / size_of::<[Option<ratatui::style::Color>; 2]>();
        let canvas = Some(Canvas::Blocks(Blocks::new(&vec![255; width * 4], width, true)));
        Painted {
            key: key(n),
            shows: SHOWS,
            most: gallery.most,
            canvas,
            cells: (9, 1),
            is_whole,
            is_refused: false,
            is_too_large: false,
        }
    }

    #[test]
    fn what_is_seen_is_wanted_once_and_what_is_not_shown_never() {
        let mut gallery = gallery();
        gallery.see("lobby", key(1), key(1), b"preview");
        gallery.see("lobby", key(1), key(1), b"preview");
        let wishes = gallery.take_wishes();
        assert_eq!((wishes.len(), wishes[0].most), (1, (40, 10)));
        gallery.not_asked(&key(1));
        gallery.see("lobby", key(1), key(1), b"preview");
        assert_eq!(gallery.take_wishes(), wishes);
        gallery.set(None);
        gallery.see("lobby", key(2), key(2), b"preview");
        assert!(gallery.take_wishes().is_empty());
    }

    #[test]
    fn part_of_a_picture_is_looked_for_again_when_a_file_came() {
        let mut gallery = gallery();
        gallery.see("lobby", key(1), key(1), b"");
        assert!(gallery.take(painted(&gallery, 1, 300, false)));
        gallery.take_wishes();
        gallery.see("lobby", key(1), key(1), b"");
        assert!(gallery.take_wishes().is_empty());
        gallery.look_again();
        assert!(gallery.canvas(&key(1)).is_some(), "it is shown meanwhile");
        gallery.see("lobby", key(1), key(1), b"");
        assert_eq!(gallery.take_wishes().len(), 1);
        assert!(!gallery.take(painted(&gallery, 1, 300, true)), "as large as before");
        gallery.look_again();
        gallery.see("lobby", key(1), key(1), b"");
        assert!(gallery.take_wishes().is_empty());
    }

    #[test]
    fn pictures_take_bounded_memory_and_those_on_the_screen_stay() {
        let mut gallery = gallery();
        for n in 0..4 {
            gallery.measure(80, 20);
            gallery.see("lobby", key(n), key(n), b"");
            gallery.take(painted(&gallery, n, BYTES / 2, true));
        }
        let here: Vec<u32> = (0..4).filter(|n| gallery.canvas(&key(*n)).is_some()).collect();
        assert_eq!(here, [3]);
        // What is said around it stays where it is.
        assert_eq!(gallery.cells(&key(0)), Some((9, 1)));
        for n in 0..4 {
            gallery.see("lobby", key(n), key(n), b"");
            gallery.take(painted(&gallery, n, BYTES / 2, true));
        }
        assert!((0..4).all(|n| gallery.canvas(&key(n)).is_some()));
        for n in 0..3_000_u32 {
            gallery.see("lobby", key(n), key(n), b"");
        }
        assert!(gallery.slots.len() <= KNOWN);
    }

    #[test]
    fn picture_for_a_screen_of_another_size_is_painted_anew() {
        let mut gallery = gallery();
        gallery.see("lobby", key(1), key(1), b"");
        let late = painted(&gallery, 1, 300, true);
        gallery.measure(40, 20);
        assert!(!gallery.take(late) && gallery.canvas(&key(1)).is_none());
        gallery.take_wishes();
        gallery.see("lobby", key(1), key(1), b"");
        assert_eq!(gallery.take_wishes()[0].most, (14, 10));
    }
    #[test]
    fn file_that_came_while_a_picture_was_looked_for_leads_to_one_more_look() {
        let mut gallery = gallery();
        gallery.see("lobby", key(1), key(1), b"");
        gallery.look_again();
        gallery.take(painted(&gallery, 1, 300, false));
        gallery.take_wishes();
        for wishes in [1, 0] {
            gallery.see("lobby", key(1), key(1), b"");
            gallery.take(painted(&gallery, 1, 300, false));
            assert_eq!(gallery.take_wishes().len(), wishes);
        }
    }

    #[test]
    fn picture_that_cannot_be_shown_is_not_decoded_once_more() {
        let mut gallery = gallery();
        gallery.see("lobby", key(1), key(1), b"");
        gallery.take_wishes();
        gallery.take(Painted { is_refused: true, ..painted(&gallery, 1, 300, false) });
        gallery.look_again();
        gallery.see("lobby", key(1), key(1), b"");
        assert!(gallery.take_wishes().is_empty());
    }

    #[test]
    fn what_terminals_call_a_picture_is_no_choice_of_its_sender() {
        let (mut gallery, mut other) = (gallery(), gallery());
        for gallery in [&mut gallery, &mut other] {
            (0..100).for_each(|n| gallery.see("lobby", key(n), key(n), b""));
        }
        let ids =
            |gallery: &mut Gallery| gallery.take_wishes().iter().map(|wish| wish.id).collect::<Vec<_>>();
        let (mut here, there) = (ids(&mut gallery), ids(&mut other));
        assert!(here != there && !here.contains(&0));
        here.sort_unstable();
        here.dedup();
        assert_eq!(here.len(), 100);
        // The same one keeps it when it is painted anew.
        let first = gallery.slots[&key(1)].id;
        gallery.forget_drawn();
        gallery.see("lobby", key(1), key(1), b"");
        assert_eq!(gallery.take_wishes()[0].id, first);
        assert_eq!((Ids(u32::MAX).next(), Ids(0).next()), (1, 1));
    }
}
