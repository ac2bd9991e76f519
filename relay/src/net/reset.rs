//! Stateless resets that survive a crash (RFC 9000, 10.3).
//!
//! A relay that was killed knows none of its connections after a restart. Only with the key of its former life
//! can it tell their clients so at once; otherwise each of them waits for its idle timeout, half a minute.

use std::{
    fs, io,
    io::{Read, Write},
    path::Path,
    sync::Arc,
};

use aws_lc_rs::{hmac, rand};
use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};

/// The key's file in the data directory.
const FILE: &str = "reset-key";

/// Length of the key, in bytes: that of the hash (RFC 2104, 3).
const LENGTH: usize = 32;

/// Length of a connection id, in bytes: as long as quinn's own, too long to guess.
const ID: usize = 8;

/// What resets connections of this and of earlier lives. Whoever has it can end connections, and nothing else.
pub(crate) struct ResetKey([u8; LENGTH]);

impl ResetKey {
    /// The key in the data directory; a new one when there is none, or only a part of one.
    pub(crate) fn load_or_create(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(FILE);
        let mut key = [0; LENGTH];
        match fs::File::open(&path).and_then(|mut file| file.read_exact(&mut key)) {
            Ok(()) => return Ok(Self(key)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {}
            Err(error) => return Err(error),
        }
        rand::fill(&mut key).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let mut options = fs::OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(&key)?;
        Ok(Self(key))
    }

    /// The configuration of an endpoint that uses it.
    pub(crate) fn endpoint_config(&self) -> EndpointConfig {
        let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &self.0)));
        config.cid_generator(|| Box::new(RandomIds));
        config
    }
}

/// Quinn's usual generator marks its ids with a secret of this life, and ignores those of a former one.
struct RandomIds;

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID];
        // Cannot fail any more once it has made the first key.
        let _ = rand::fill(&mut id);
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_survives_restarts_and_a_half_written_one_is_replaced() {
        let dir = tempfile::TempDir::new().unwrap();
        let first = ResetKey::load_or_create(dir.path()).unwrap();
        assert_eq!(ResetKey::load_or_create(dir.path()).unwrap().0, first.0);
        fs::write(dir.path().join(FILE), "half").unwrap();
        let second = ResetKey::load_or_create(dir.path()).unwrap();
        assert_ne!(second.0, first.0);
        assert_eq!(ResetKey::load_or_create(dir.path()).unwrap().0, second.0);
    }
}
