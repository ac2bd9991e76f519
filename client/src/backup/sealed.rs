//! One file of a backup: a header, and then parts of 1 MiB, sealed one by one (the STREAM construction of
//! `shared/src/crypto/aead/stream/mod.rs`).
//!
//! ```text
//! header = "schat-backup"(12) ‖ version(1) ‖ kind(1) ‖ salt(32) ‖ check(16)
//! ```
//!
//! The key comes from the backup's, the salt, the first 14 bytes and a piece's name: one piece does not open in the place of
//! another. The check tells another phrase from damage.

use std::io::{self, Read, Write};

use shared::{
    crypto::{
        aead::backup::{BackupKey, CHECK, SALT},
        random::Random,
    },
    file::{FileCipher, PART, PartPosition, SEALED_PART},
};
use zeroize::{Zeroize as _, Zeroizing};

use super::error::{BackupError, through};

const MAGIC: &[u8; 12] = b"schat-backup";

/// What this program writes.
const VERSION: u8 = 1;

/// Bytes of the header that are in the key.
const NAMED: usize = MAGIC.len() + 2;

/// Bytes of the header.
pub(super) const HEADER: usize = NAMED + SALT + CHECK;

/// Bytes of a piece's name.
pub(super) const NAME: usize = 16;

/// What a file of a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// All of it.
    Whole,
    /// The beginning of a backup in a directory, which names the pieces.
    Index,
    /// A piece, of that name.
    Piece([u8; NAME]),
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Whole => 1,
            Self::Index => 2,
            Self::Piece(_) => 3,
        }
    }

    /// What is in the key: the header's beginning, and a piece's name.
    fn info(self) -> Vec<u8> {
        let name: &[u8] = if let Self::Piece(name) = &self { name } else { &[] };
        [&named(self)[..], name].concat()
    }
}

fn named(kind: Kind) -> [u8; NAMED] {
    let mut named = [0; NAMED];
    let bytes = MAGIC.iter().copied().chain([VERSION, kind.code()]);
    named.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
    named
}

/// Seals what is written to it.
pub(super) struct Sealing<W> {
    to: W,
    cipher: FileCipher,
    part: u32,
    waiting: Zeroizing<Vec<u8>>,
    written: u64,
}

impl<W: Write> Sealing<W> {
    /// Begins a file.
    pub(super) fn begin(mut to: W, key: &BackupKey, kind: Kind, random: &Random) -> io::Result<Self> {
        let (salt, named) = (random.bytes::<SALT>(), named(kind));
        to.write_all(&named)?;
        to.write_all(&salt)?;
        to.write_all(&key.check(&salt))?;
        let cipher = FileCipher::new(&key.file_key(&salt, &kind.info()));
        let waiting = Zeroizing::new(Vec::with_capacity(PART));
        Ok(Self { to, cipher, part: 0, waiting, written: HEADER as u64 })
    }

    /// Seals what is left. Gives back what it was written to, and how many bytes went there.
    pub(super) fn end(mut self) -> io::Result<(W, u64)> {
        self.seal(true)?;
        self.to.flush()?;
        Ok((self.to, self.written))
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let place = PartPosition::Data { part: self.part, last };
        let sealed = self.cipher.seal(place, &self.waiting).map_err(io::Error::other)?;
        self.to.write_all(&sealed.bytes)?;
        self.written = self.written.saturating_add(sealed.bytes.len() as u64);
        self.waiting.zeroize();
        self.part = self.part.saturating_add(1);
        Ok(())
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.len() == PART && !bytes.is_empty() {
            self.seal(false)?;
            self.waiting.reserve_exact(PART);
        }
        let taken = bytes.len().min(PART.saturating_sub(self.waiting.len()));
        self.waiting.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        // What is not sealed yet cannot be given out.
        Ok(())
    }
}

/// Opens what it reads.
pub(super) struct Opening<R> {
    from: R,
    cipher: FileCipher,
    part: u32,
    /// The next sealed part, as far as it was read; one byte more tells that another one follows.
    sealed: Vec<u8>,
    open: Zeroizing<Vec<u8>>,
    given: usize,
    is_over: bool,
}

impl<R: Read> Opening<R> {
    /// Reads the header.
    pub(super) fn begin(mut from: R, key: &BackupKey, kind: Kind) -> Result<Self, BackupError> {
        let mut begins = Vec::with_capacity(HEADER);
        (&mut from).take(HEADER as u64).read_to_end(&mut begins)?;
        // What ends within its header is told apart by what is there.
        let is_ours = !begins.is_empty() && begins.iter().zip(MAGIC).all(|(byte, ours)| byte == ours);
        let header: [u8; HEADER] = match begins.try_into() {
            Ok(header) => header,
            Err(_) if is_ours => return Err(BackupError::Cut),
            Err(_) => return Err(BackupError::Foreign),
        };
        let (head, rest) = header.split_first_chunk::<NAMED>().ok_or(BackupError::Foreign)?;
        let (salt, check) = rest.split_first_chunk::<SALT>().ok_or(BackupError::Foreign)?;
        let (magic, kinds) = head.split_first_chunk::<12>().ok_or(BackupError::Foreign)?;
        match kinds {
            _ if magic != MAGIC => return Err(BackupError::Foreign),
            [version, _] if *version > VERSION => return Err(BackupError::TooNew),
            [VERSION, code] if *code == kind.code() => {}
            _ => return Err(BackupError::Foreign),
        }
        if key.check(salt) != *check {
            return Err(BackupError::WrongPhrase);
        }
        let cipher = FileCipher::new(&key.file_key(salt, &kind.info()));
        let (sealed, open) = (Vec::with_capacity(SEALED_PART + 1), Zeroizing::new(Vec::new()));
        Ok(Self { from, cipher, part: 0, sealed, open, given: 0, is_over: false })
    }

    fn next_part(&mut self) -> Result<(), BackupError> {
        let missing = (SEALED_PART + 1).saturating_sub(self.sealed.len());
        (&mut self.from).take(missing as u64).read_to_end(&mut self.sealed)?;
        let last = self.sealed.len() <= SEALED_PART;
        if self.sealed.is_empty() {
            return Err(BackupError::Cut);
        }
        let part = self.sealed.get(..SEALED_PART).unwrap_or(&self.sealed);
        let open = self.cipher.open(PartPosition::Data { part: self.part, last }, part);
        self.open = open.map_err(|_| match last {
            // Whole, and not the last one: the rest is missing.
            true if self.cipher.open(PartPosition::Data { part: self.part, last: false }, part).is_ok() => {
                BackupError::Cut
            }
            _ => BackupError::Altered,
        })?;
        (self.given, self.is_over) = (0, last);
        self.part = self.part.saturating_add(1);
        self.sealed.drain(..self.sealed.len().min(SEALED_PART));
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.open.len() && !self.is_over {
            self.next_part().map_err(through)?;
        }
        let left = self.open.get(self.given..).unwrap_or_default();
        let count = left.len().min(to.len());
        to.iter_mut().zip(left).for_each(|(to, byte)| *to = *byte);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;

    use super::*;

    fn key(byte: u8) -> BackupKey {
        BackupKey::from_bytes(&[byte; 32])
    }

    fn random() -> Random {
        Random::new(UnwrapErr(getrandom::SysRng))
    }

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::begin(Vec::new(), &key(1), Kind::Whole, &random()).unwrap();
        sealing.write_all(bytes).unwrap();
        let (sealed, written) = sealing.end().unwrap();
        assert_eq!(written, sealed.len() as u64);
        sealed
    }

    fn opened(bytes: &[u8], key: &BackupKey, kind: Kind) -> Result<Vec<u8>, BackupError> {
        let mut out = Vec::new();
        Opening::begin(bytes, key, kind)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn bytes_of_any_length_come_back() {
        for length in [1, PART - 1, PART, PART + 1, 2 * PART] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            assert_eq!(opened(&sealed(&bytes), &key(1), Kind::Whole).unwrap(), bytes, "{length}");
        }
    }

    #[test]
    fn each_wrong_is_told_for_what_it_is() {
        let whole = sealed(&vec![7; 2 * PART + 9]);
        let told = |bytes: &[u8]| opened(bytes, &key(1), Kind::Whole).unwrap_err();
        assert!(matches!(opened(&whole, &key(2), Kind::Whole), Err(BackupError::WrongPhrase)));
        assert!(matches!(opened(&whole, &key(1), Kind::Index), Err(BackupError::Foreign)));
        // A piece in the place of another one.
        let mut piece = Sealing::begin(Vec::new(), &key(1), Kind::Piece([1; NAME]), &random()).unwrap();
        piece.write_all(b"bytes").unwrap();
        let (piece, _) = piece.end().unwrap();
        assert_eq!(opened(&piece, &key(1), Kind::Piece([1; NAME])).unwrap(), b"bytes");
        let moved = opened(&piece, &key(1), Kind::Piece([2; NAME]));
        assert!(matches!(moved, Err(BackupError::Altered)));
        assert!(matches!(
            told(b"some other file, which is long enough to have such a header as these."),
            BackupError::Foreign
        ));
        for cut in 1..HEADER {
            assert!(matches!(told(&whole[..cut]), BackupError::Cut), "{cut}");
        }
        for foreign in [&b""[..], b"some other file", b"schat-backuq"] {
            assert!(matches!(told(foreign), BackupError::Foreign), "{foreign:?}");
        }
        let mut newer = whole.clone();
        newer[MAGIC.len()] = VERSION + 1;
        assert!(matches!(told(&newer), BackupError::TooNew));
        // Cut at each border of a part, and in the middle of one.
        for border in [HEADER, HEADER + SEALED_PART, HEADER + 2 * SEALED_PART] {
            assert!(matches!(told(&whole[..border]), BackupError::Cut), "{border}");
        }
        assert!(matches!(told(&whole[..HEADER + 99]), BackupError::Altered));
        // Parts exchanged, made longer, one bit another.
        let mut parts = whole.clone();
        let (one, two) = parts[HEADER..].split_at_mut(SEALED_PART);
        one.swap_with_slice(&mut two[..SEALED_PART]);
        assert!(matches!(told(&parts), BackupError::Altered));
        assert!(matches!(told(&[whole.clone(), vec![0]].concat()), BackupError::Altered));
        for place in (0..whole.len()).step_by(90_001) {
            let mut altered = whole.clone();
            altered[place] ^= 1;
            assert!(opened(&altered, &key(1), Kind::Whole).is_err(), "{place}");
        }
    }
}
