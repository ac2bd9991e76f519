//! Which picture: by all that was said of it, for what the relay calls it is the choice of whoever sent it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::{file::Manifest, identity::Avatar};

/// One picture and no other: who says another key or hash under the same name at the relay speaks of another picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PictureKey([u8; 32]);

impl PictureKey {
    /// The file of a message.
    pub fn of_file(file: &Manifest) -> Self {
        Self::of("file", &[&file.id, file.key.expose(), &file.parts, &file.size.to_be_bytes()])
    }

    /// The picture of a person.
    pub fn of_avatar(avatar: &Avatar) -> Self {
        Self::of("avatar", &[&avatar.to_bytes()])
    }

    /// As it is shown in one room, beside this small copy of it.
    #[must_use]
    pub fn shown_in(self, room: &str, preview: &[u8]) -> Self {
        Self::of("shown", &[&self.0, room.as_bytes(), preview])
    }

    /// From a row of a table.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For a row of a table.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(kind: &str, fields: &[&[u8]]) -> Self {
        let mut hash = Sha256::new_with_prefix(b"schat picture");
        for field in std::iter::once(&kind.as_bytes()).chain(fields) {
            // So that no two lists of fields are the same bytes.
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shared::file::FileKey;

    use super::*;

    #[test]
    fn every_field_makes_another_picture() {
        let file = |id, key, parts, size| Manifest {
            id: [id; 16],
            key: FileKey::from_bytes([key; 32]),
            size,
            name: String::new(),
            media_type: String::new(),
            parts: [parts; 32],
            preview: Vec::new(),
            duration_ms: 0,
        };
        let files =
            [file(1, 2, 3, 4), file(9, 2, 3, 4), file(1, 9, 3, 4), file(1, 2, 9, 4), file(1, 2, 3, 9)];
        let keys = files.iter().map(PictureKey::of_file);
        let keys =
            keys.chain(files.iter().filter_map(Manifest::as_avatar).map(|file| PictureKey::of_avatar(&file)));
        let one = PictureKey::of_file(&file(1, 2, 3, 4));
        let shown = [("lobby", "a"), ("lobby", "b"), ("lobb", "ya"), ("other", "a")];
        let shown = shown.map(|(room, preview)| one.shown_in(room, preview.as_bytes()));
        let all: BTreeSet<PictureKey> = keys.chain(shown).collect();
        assert_eq!(all.len(), 14);
    }
}
