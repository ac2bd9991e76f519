//! Tokens: the right to open rooms at relays that ask for one. Sealed like all that is secret here.

use proto::Token;
use rusqlite::{OptionalExtension, params};

use super::{Damage, Store, StoreError};
use crate::transport::RelayAddress;

impl Store {
    /// The token for a relay, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn token(&self, relay: &RelayAddress) -> Result<Option<Token>, StoreError> {
        let select = "SELECT value FROM tokens WHERE host = ?1 AND port = ?2";
        let sealed: Option<Vec<u8>> =
            self.db.query_row(select, params![relay.host, relay.port], |row| row.get(0)).optional()?;
        let Some(sealed) = sealed else { return Ok(None) };
        let bytes = self.sealer.open(&label(relay), &sealed)?;
        let token = Token::try_from(bytes.as_slice()).map_err(|_| StoreError::Damaged(Damage::Token))?;
        Ok(Some(token))
    }

    /// Keeps a token for a relay, in the place of the one that was there.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_token(&mut self, relay: &RelayAddress, token: &Token) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(&label(relay), token.as_bytes())?;
        let insert = "INSERT OR REPLACE INTO tokens VALUES (?1, ?2, ?3)";
        self.db.execute(insert, params![relay.host, relay.port, sealed])?;
        Ok(())
    }

    /// Forgets the token of a relay, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then it is still there.
    pub fn forget_token(&mut self, relay: &RelayAddress) -> Result<(), StoreError> {
        let delete = "DELETE FROM tokens WHERE host = ?1 AND port = ?2";
        self.db.execute(delete, params![relay.host, relay.port])?;
        Ok(())
    }
}

/// Binds a token to its relay, so that altered storage cannot send it to another.
fn label(relay: &RelayAddress) -> Vec<u8> {
    format!("token/{relay}").into_bytes()
}
