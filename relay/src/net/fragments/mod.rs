//! Packets that are crumbled into tiny pieces of stream data.
//!
//! Pieces that come before those in front of them wait in quinn, up to 1,024 per stream, and it sorts all of
//! them anew whenever they hold 32 KiB more memory than data. A packet of 170 one-byte pieces makes it do so
//! seven times: half a millisecond of a processor, for anybody who finished a handshake or, with pieces of
//! the handshake itself, for nobody at all. So pieces are counted where packets are opened, before quinn sees
//! them. An honest client packs a few pieces into a packet, one per stream that has something to say. Past
//! [`FRAGMENTS_AT_ONCE`] and [`FRAGMENTS_PER_PACKET`] nothing more of the connection is read, as if it were
//! forged; it ends by its timeouts.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use rustls::{
    Error, SupportedCipherSuite, Tls13CipherSuite,
    crypto::{
        CipherSuiteCommon, aws_lc_rs,
        cipher::{AeadKey, Iv},
    },
    quic::{Algorithm, HeaderProtectionKey, PacketKey, Tag},
};

use self::frames::pieces;
use crate::policy::limits::{FRAGMENTS_AT_ONCE, FRAGMENTS_PER_PACKET};

mod frames;

/// The usual TLS 1.3 suites; over QUIC they count pieces.
pub(crate) fn cipher_suites() -> Vec<SupportedCipherSuite> {
    SUITES.iter().map(SupportedCipherSuite::Tls13).collect()
}

/// rustls wants suites that live for ever.
static SUITES: LazyLock<Vec<Tls13CipherSuite>> = LazyLock::new(|| {
    let suites = aws_lc_rs::ALL_CIPHER_SUITES.iter();
    suites.filter_map(SupportedCipherSuite::tls13).filter_map(counting).collect()
});

/// The same suite, counting.
fn counting(suite: &'static Tls13CipherSuite) -> Option<Tls13CipherSuite> {
    let inner = suite.quic?;
    Some(Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: suite.common.suite,
            hash_provider: suite.common.hash_provider,
            confidentiality_limit: suite.common.confidentiality_limit,
        },
        hkdf_provider: suite.hkdf_provider,
        aead_alg: suite.aead_alg,
        // Three of them, once per process.
        quic: Some(Box::leak(Box::new(Counting(inner)))),
    })
}

struct Counting(&'static dyn Algorithm);

impl Algorithm for Counting {
    fn packet_key(&self, key: AeadKey, iv: Iv) -> Box<dyn PacketKey> {
        Box::new(CountingKey { inner: self.0.packet_key(key, iv), account: Account::of_a_new_key() })
    }

    fn header_protection_key(&self, key: AeadKey) -> Box<dyn HeaderProtectionKey> {
        self.0.header_protection_key(key)
    }

    fn aead_key_len(&self) -> usize {
        self.0.aead_key_len()
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

/// One key of one connection.
struct CountingKey {
    inner: Box<dyn PacketKey>,
    account: Account,
}

impl PacketKey for CountingKey {
    fn encrypt_in_place(&self, number: u64, header: &[u8], payload: &mut [u8]) -> Result<Tag, Error> {
        self.inner.encrypt_in_place(number, header, payload)
    }

    fn decrypt_in_place<'a>(
        &self,
        number: u64,
        header: &[u8],
        payload: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        let payload = self.inner.decrypt_in_place(number, header, payload)?;
        if self.account.allows(pieces(payload)) { Ok(payload) } else { Err(Error::DecryptError) }
    }

    fn tag_len(&self) -> usize {
        self.inner.tag_len()
    }

    fn confidentiality_limit(&self) -> u64 {
        self.inner.confidentiality_limit()
    }

    fn integrity_limit(&self) -> u64 {
        self.inner.integrity_limit()
    }
}

/// Pieces above what so many packets may bring. Once over the limit it stays there.
#[derive(Debug, Default)]
struct Account(AtomicU64);

impl Account {
    /// A peer may change keys each round trip, so a key does not come with the whole burst: three packets' worth.
    fn of_a_new_key() -> Self {
        Self(AtomicU64::new(FRAGMENTS_AT_ONCE - 3 * FRAGMENTS_PER_PACKET))
    }

    fn allows(&self, pieces: u64) -> bool {
        // Packets of one connection are opened one after the other; the atomic is for the compiler.
        let before = self.0.load(Ordering::Relaxed);
        if before > FRAGMENTS_AT_ONCE {
            return false;
        }
        let after = (before + pieces).saturating_sub(FRAGMENTS_PER_PACKET);
        self.0.store(after, Ordering::Relaxed);
        after <= FRAGMENTS_AT_ONCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crumbled_packets_are_refused_from_then_on() {
        let account = Account::default();
        assert!(account.allows(170 - 48), "one packet may be");
        assert!(!account.allows(170), "two in a row may not");
        assert!(!account.allows(0), "and nothing comes after");
    }

    #[test]
    fn sixty_four_rooms_that_come_and_go_are_no_crumbs() {
        let account = Account::default();
        for _ in 0..1000 {
            // 64 Joins, ten to a packet; an acknowledgement; 64 streams ended in one packet.
            assert!((0..7).all(|_| account.allows(10)));
            assert!(account.allows(0) && account.allows(64));
            assert!((0..5).all(|_| account.allows(1)), "what they say in between");
        }
    }

    #[test]
    fn another_key_brings_no_new_burst() {
        assert!(Account::of_a_new_key().allows(4 * FRAGMENTS_PER_PACKET));
        assert!(!Account::of_a_new_key().allows(4 * FRAGMENTS_PER_PACKET + 1));
    }

    #[test]
    fn all_usual_suites_are_there() {
        assert_eq!(cipher_suites().len(), 3);
    }
}
