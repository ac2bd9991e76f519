//! Who there is.

/// Whoever has the link: its key is the invite's.
pub(crate) const LINK: u8 = 50;

/// Whom the first member wants out.
pub(crate) const REMOVED: u8 = 5;

/// Who comes by the link, and is honest.
pub(crate) const JOINER: u8 = 8;

/// The first key of whoever comes by the link and is not.
pub(crate) const STRANGER: u8 = 60;

/// Some of those whose number is below 16: members and the honest joiner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Set(u16);

impl Set {
    pub(crate) const fn of(all: &[u8]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < all.len() {
            bits |= 1 << all[at];
            at += 1;
        }
        Self(bits)
    }

    pub(crate) fn has(self, who: u8) -> bool {
        who < 16 && self.0 >> who & 1 == 1
    }

    pub(crate) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(crate) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(crate) fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// In order.
    pub(crate) fn iter(self) -> impl Iterator<Item = u8> + Clone {
        (0..16).filter(move |who| self.has(*who))
    }

    pub(crate) fn first(self) -> Self {
        self.iter().next().map_or_else(Self::default, |who| Self::of(&[who]))
    }
}
