//! What a message says of a file.

use bytes::Bytes;

use super::{Shape, clean_name};
use crate::{
    content,
    crypto::aead::stream::{FileKey, PartHash},
    identity::{Avatar, MAX_AVATAR},
};

/// Names a file's parts at the relay: random, the uploader's choice.
pub type BlobId = [u8; 16];

/// Longest preview, in bytes: a small picture.
pub const MAX_PREVIEW: usize = 4 << 10;

/// Longest media type, in bytes.
const MAX_TYPE: usize = 100;

/// Longest name as it comes, in bytes, before it is made harmless.
const MAX_RAW_NAME: usize = 16 << 10;

/// Why something is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ManifestError {
    /// An id, a key or a hash of another length.
    #[error("an id, a key or a hash of a file is missing")]
    Field,
    /// Over 32 GiB.
    #[error("the file is too large")]
    Size,
    /// A name or preview that is too long.
    #[error("a name or preview of a file is too long")]
    TooLong,
}

/// A file in a room: what is needed to get it, and to show that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Manifest {
    /// What the relay calls it.
    pub id: BlobId,
    /// Opens its parts.
    pub key: FileKey,
    /// Bytes of the file.
    pub size: u64,
    /// A name that is harmless on a disk: see [`clean_name`]. A terminal may still need it made harmless.
    pub name: String,
    /// Such as `image/png`, or empty. What the sender says, and nothing else.
    pub media_type: String,
    /// Of the list of its parts: see [`super::PartList::hash`].
    pub parts: PartHash,
    /// A small picture, or nothing; from others.
    pub preview: Vec<u8>,
    /// How long a voice message is, in milliseconds; 0 for any other file.
    pub duration_ms: u32,
}

impl Manifest {
    /// How it is cut. None for one that [`Self::read`] refuses.
    pub fn shape(&self) -> Option<Shape> {
        Shape::of(self.size)
    }

    /// The file of a person's picture.
    pub fn of_avatar(avatar: &Avatar) -> Self {
        Self {
            id: avatar.id,
            key: FileKey::from_bytes(avatar.key),
            size: u64::from(avatar.size),
            name: String::new(),
            media_type: String::new(),
            parts: avatar.parts,
            preview: Vec::new(),
            duration_ms: 0,
        }
    }

    /// The file as a person's picture. None: it is too large for one.
    pub fn as_avatar(&self) -> Option<Avatar> {
        let size = u32::try_from(self.size).ok().filter(|size| (1..=MAX_AVATAR).contains(size))?;
        Some(Avatar { id: self.id, key: *self.key.expose(), parts: self.parts, size })
    }

    /// As a message.
    pub fn write(&self) -> content::File {
        content::File {
            id: Bytes::copy_from_slice(&self.id),
            key: Bytes::copy_from_slice(self.key.expose()),
            size: self.size,
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            parts: Bytes::copy_from_slice(&self.parts),
            preview: Bytes::copy_from_slice(&self.preview),
            duration_ms: self.duration_ms,
        }
    }

    /// The file that a message names.
    ///
    /// # Errors
    /// [`ManifestError`] when it is none.
    pub fn read(file: &content::File) -> Result<Self, ManifestError> {
        let field = |_| ManifestError::Field;
        Shape::of(file.size).ok_or(ManifestError::Size)?;
        if file.name.len() > MAX_RAW_NAME || file.preview.len() > MAX_PREVIEW {
            return Err(ManifestError::TooLong);
        }
        Ok(Self {
            id: (&*file.id).try_into().map_err(field)?,
            key: FileKey::from_bytes((&*file.key).try_into().map_err(field)?),
            size: file.size,
            name: clean_name(&file.name),
            media_type: clean_type(&file.media_type),
            parts: (&*file.parts).try_into().map_err(field)?,
            preview: file.preview.to_vec(),
            duration_ms: file.duration_ms,
        })
    }

    /// Holds it against the limits.
    ///
    /// # Errors
    /// [`ManifestError`] says what is wrong.
    pub fn check(&self) -> Result<(), ManifestError> {
        Self::read(&self.write()).map(|_| ())
    }
}

/// A type and a subtype (RFC 6838, 4.2), without parameters; else nothing.
fn clean_type(text: &str) -> String {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    match text.split_once('/') {
        Some((kind, sub)) if text.len() <= MAX_TYPE && is_name(kind) && is_name(sub) => {
            text.to_ascii_lowercase()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            id: [1; 16],
            key: FileKey::from_bytes([2; 32]),
            size: 3_000_000,
            name: "cat.jpg".to_owned(),
            media_type: "image/jpeg".to_owned(),
            parts: [4; 32],
            preview: vec![5; 9],
            duration_ms: 0,
        }
    }

    #[test]
    fn manifest_comes_back_from_its_content() {
        assert_eq!(Manifest::read(&manifest().write()), Ok(manifest()));
    }

    #[test]
    fn only_a_small_file_is_a_persons_picture() {
        let small = Manifest {
            size: 65_536,
            name: String::new(),
            media_type: String::new(),
            preview: Vec::new(),
            ..manifest()
        };
        let avatar = small.as_avatar().unwrap();
        assert_eq!(Manifest::of_avatar(&avatar), small);
        for size in [0, 65_537, u64::MAX] {
            assert_eq!(Manifest { size, ..manifest() }.as_avatar(), None);
        }
    }

    #[test]
    fn names_and_types_are_made_harmless_when_they_are_read() {
        let mut file = manifest().write();
        file.name = "../../.bashrc".to_owned();
        file.media_type = "text/html; charset=\u{1b}[31m".to_owned();
        let read = Manifest::read(&file).unwrap();
        assert_eq!((read.name.as_str(), read.media_type.as_str()), ("bashrc", ""));
        assert_eq!(clean_type("Image/SVG+xml"), "image/svg+xml");
    }

    #[test]
    fn manifests_that_break_a_limit_are_refused() {
        let wrong = |change: fn(&mut content::File)| {
            let mut file = manifest().write();
            change(&mut file);
            Manifest::read(&file)
        };
        assert_eq!(wrong(|file| file.id = vec![1; 15].into()), Err(ManifestError::Field));
        assert_eq!(wrong(|file| file.key = vec![1; 33].into()), Err(ManifestError::Field));
        assert_eq!(wrong(|file| file.parts = Bytes::new()), Err(ManifestError::Field));
        assert_eq!(wrong(|file| file.size = (32 << 30) + 1), Err(ManifestError::Size));
        assert_eq!(wrong(|file| file.size = u64::MAX), Err(ManifestError::Size));
        assert_eq!(wrong(|file| file.name = "x".repeat(MAX_RAW_NAME + 1)), Err(ManifestError::TooLong));
        assert_eq!(wrong(|file| file.preview = vec![0; MAX_PREVIEW + 1].into()), Err(ManifestError::TooLong));
    }
}
