//! A client whose packets say something else than quinn meant: frames are rewritten between the protocol and
//! the encryption, so everything around them stays valid.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use rustls::{
    CipherSuite, Error, SupportedCipherSuite, Tls13CipherSuite,
    crypto::{
        CipherSuiteCommon, aws_lc_rs,
        cipher::{AeadKey, Iv},
    },
    quic::{Algorithm, HeaderProtectionKey, PacketKey, Tag},
};

use crate::bench::client::Ground;

/// Rewrites the frames of a packet; their length stays. The number counts the packets that this connection
/// has sent after its handshake.
pub(super) type Rewrite = Arc<dyn Fn(&mut [u8], u64) + Send + Sync>;

/// The bit that a packet of the handshake has (RFC 9000, 17.2).
const LONG_HEADER: u8 = 0x80;

/// Clients that rewrite their packets.
pub(super) fn forging(ground: &Ground, rewrite: Rewrite) -> anyhow::Result<Ground> {
    let mut provider = aws_lc_rs::default_provider();
    let suite =
        provider.cipher_suites.iter().find(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
    let Some(SupportedCipherSuite::Tls13(suite)) = suite else { anyhow::bail!("no AES-128-GCM") };
    let Some(inner) = suite.quic else { anyhow::bail!("no QUIC") };
    // rustls wants suites that live for ever; there is one per attack.
    let algorithm: &'static Forger = Box::leak(Box::new(Forger { inner, rewrite }));
    let forged: &'static Tls13CipherSuite = Box::leak(Box::new(Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: suite.common.suite,
            hash_provider: suite.common.hash_provider,
            confidentiality_limit: suite.common.confidentiality_limit,
        },
        hkdf_provider: suite.hkdf_provider,
        aead_alg: suite.aead_alg,
        quic: Some(algorithm),
    }));
    provider.cipher_suites = vec![SupportedCipherSuite::Tls13(forged)];
    ground.with(provider)
}

struct Forger {
    inner: &'static dyn Algorithm,
    rewrite: Rewrite,
}

impl Algorithm for Forger {
    fn packet_key(&self, key: AeadKey, iv: Iv) -> Box<dyn PacketKey> {
        let inner = self.inner.packet_key(key, iv);
        Box::new(ForgedKey { inner, rewrite: self.rewrite.clone(), sent: AtomicU64::new(0) })
    }

    fn header_protection_key(&self, key: AeadKey) -> Box<dyn HeaderProtectionKey> {
        self.inner.header_protection_key(key)
    }

    fn aead_key_len(&self) -> usize {
        self.inner.aead_key_len()
    }
}

struct ForgedKey {
    inner: Box<dyn PacketKey>,
    rewrite: Rewrite,
    sent: AtomicU64,
}

impl PacketKey for ForgedKey {
    fn encrypt_in_place(&self, number: u64, header: &[u8], payload: &mut [u8]) -> Result<Tag, Error> {
        if header.first().is_some_and(|first| first & LONG_HEADER == 0) {
            (self.rewrite)(payload, self.sent.fetch_add(1, Ordering::Relaxed));
        }
        self.inner.encrypt_in_place(number, header, payload)
    }

    fn decrypt_in_place<'a>(
        &self,
        number: u64,
        header: &[u8],
        payload: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        self.inner.decrypt_in_place(number, header, payload)
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
