//! What is handed over, in parts that come in order.

use zeroize::Zeroizing;

use super::message::{LinkMessage, MAX_PART, MAX_PARTS};
use crate::message::Private;

/// Why parts do not make a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParcelError {
    /// It is more than fits.
    #[error("it is more than {MAX_PARTS} parts of {MAX_PART} bytes")]
    TooLarge,
    /// A part is missing, came twice, or says another number of parts.
    #[error("a part is not the next one")]
    Order,
}

/// The parts of these bytes, as messages.
///
/// # Errors
/// [`ParcelError::TooLarge`].
pub fn parts(bytes: &[u8]) -> Result<Vec<LinkMessage>, ParcelError> {
    let count = bytes.len().div_ceil(MAX_PART);
    let count = u32::try_from(count).ok().filter(|count| (1..=MAX_PARTS).contains(count));
    let count = count.ok_or(ParcelError::TooLarge)?;
    let part = |(index, bytes): (u32, &[u8])| LinkMessage::Part {
        index,
        count,
        bytes: Private::new(bytes.to_vec()),
    };
    Ok((0..).zip(bytes.chunks(MAX_PART)).map(part).collect())
}

/// What has come so far: at most [`MAX_PARTS`] of [`MAX_PART`] bytes, whatever the other side says.
#[derive(Clone, Default)]
pub struct Parcel {
    bytes: Zeroizing<Vec<u8>>,
    next: u32,
    count: Option<u32>,
}

impl Parcel {
    /// What was kept of one: the parts that have come, how many there will be, and their bytes.
    pub fn of(next: u32, count: u32, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { bytes, next, count: (count > 0).then_some(count) }
    }

    /// Parts that have come, and how many there will be; 0 while nobody knows.
    pub fn progress(&self) -> (u32, u32) {
        (self.next, self.count.unwrap_or(0))
    }

    /// The bytes that have come.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the next part. True: nothing is missing.
    ///
    /// # Errors
    /// [`ParcelError::Order`] for any other part, or one that came when nothing was missing.
    pub fn take(&mut self, index: u32, count: u32, bytes: &Private) -> Result<bool, ParcelError> {
        let is_next = index == self.next && index < count && count <= MAX_PARTS;
        if !is_next || self.count.is_some_and(|known| known != count) || bytes.as_bytes().len() > MAX_PART {
            return Err(ParcelError::Order);
        }
        self.count = Some(count);
        self.next = self.next.saturating_add(1);
        // Room for all of it, or what grows would leave copies behind that nobody wipes.
        let whole = MAX_PART.saturating_mul(usize::try_from(count).unwrap_or_default());
        if self.bytes.capacity() < whole {
            let mut all = Zeroizing::new(Vec::with_capacity(whole));
            all.extend_from_slice(&self.bytes);
            self.bytes = all;
        }
        self.bytes.extend_from_slice(bytes.as_bytes());
        Ok(self.next == count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(parcel: &mut Parcel, message: &LinkMessage) -> Result<bool, ParcelError> {
        let LinkMessage::Part { index, count, bytes } = message else { panic!("{message:?}") };
        parcel.take(*index, *count, bytes)
    }

    #[test]
    fn parts_make_the_whole() {
        for length in [1, MAX_PART, MAX_PART + 1, MAX_PART * 64] {
            let whole: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut parcel = Parcel::default();
            let parts = parts(&whole).unwrap();
            for (at, part) in parts.iter().enumerate() {
                assert_eq!(taken(&mut parcel, part), Ok(at + 1 == parts.len()));
            }
            assert_eq!(parcel.bytes(), whole);
        }
        assert_eq!(parts(&[]), Err(ParcelError::TooLarge));
        assert_eq!(parts(&vec![0; MAX_PART * 64 + 1]), Err(ParcelError::TooLarge));
    }

    #[test]
    fn parts_that_are_missing_or_come_twice_or_lie_about_their_number_are_refused() {
        let parts = parts(&vec![1; MAX_PART * 3]).unwrap();
        let mut parcel = Parcel::default();
        assert_eq!(taken(&mut parcel, &parts[1]), Err(ParcelError::Order));
        taken(&mut parcel, &parts[0]).unwrap();
        assert_eq!(taken(&mut parcel, &parts[0]), Err(ParcelError::Order));
        assert_eq!(taken(&mut parcel, &parts[2]), Err(ParcelError::Order));
        assert_eq!(parcel.take(1, 4, &Private::new(vec![1])), Err(ParcelError::Order));
        taken(&mut parcel, &parts[1]).unwrap();
        assert_eq!(taken(&mut parcel, &parts[2]), Ok(true));
        assert_eq!(parcel.take(3, 3, &Private::new(vec![1])), Err(ParcelError::Order));
        let mut endless = Parcel::default();
        assert_eq!(endless.take(0, u32::MAX, &Private::new(vec![1])), Err(ParcelError::Order));
    }
}
