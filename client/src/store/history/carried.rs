//! Chat lines on their way from one device of a person to another.

use proto::RoomId;
use shared::{message::timeline::Line, room::Person};
use zeroize::Zeroizing;

use super::{ADD, REPLACE, damaged, find, is_taken, put, stored::Stored, trim};
use crate::store::{Store, StoreError};

/// A line as it is stored, without its seal and its number.
///
/// # Errors
/// [`StoreError`] when it cannot be written so.
pub fn written_line(line: &Line) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    serde_json::to_vec(&Stored::from(line.clone())).map(Zeroizing::new).map_err(|_| damaged())
}

/// The line that was written so; none for what is no line.
pub fn read_line(seq: u64, value: &[u8]) -> Option<Line> {
    serde_json::from_slice::<Stored>(value).ok().map(|stored| stored.into_line(seq))
}

impl Store {
    /// Takes lines that another device of `by`, who is the person of this profile, remembers. They are marked as handed over by it, unless
    /// somebody else handed them to it. What this device read itself stays as it is. Returns how many are new.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be written; then none of them is.
    pub fn take_lines(&mut self, room: RoomId, lines: Vec<Line>, by: &Person) -> Result<u32, StoreError> {
        let transaction = self.db.transaction()?;
        let mut taken = 0;
        for mut line in lines {
            line.handed_by.get_or_insert_with(|| by.clone());
            let insert = match find(&transaction, &self.sealer, room, line.message.id)? {
                // One's own device remembers better than a member who hands over.
                Some(known)
                    if known.handed_by.as_ref().is_some_and(|other| other.fingerprint != by.fingerprint) =>
                {
                    line.message.seq = known.message.seq;
                    REPLACE
                }
                Some(_) => continue,
                None if is_taken(&transaction, room, &line)? => continue,
                None => ADD,
            };
            put(&transaction, &self.sealer, room, &line, insert)?;
            taken += 1;
        }
        trim(&transaction, room, self.kept)?;
        transaction.commit()?;
        Ok(taken)
    }
}
