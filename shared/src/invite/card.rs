//! The card: what whoever holds a link is shown before joining, signed by the inviter's account.
//!
//! It lies at the relay with the invite's key and is sealed under a key from the link's secret: so the link is
//! short, and neither relay nor strangers read it. The envelope says that it is from somebody with the link; the
//! signature says that it is from the inviter.

use bytes::Bytes;
use prost::Message;
use proto::RoomId;
use sha2::{Digest, Sha256};

use super::{InviteSecret, SealSlotError, link::PIN_LEN, public_hash};
use crate::{
    content,
    crypto::aead::{Envelope, OpeningKey, Origin, Scope, SealingKey},
    crypto::random::Random,
    identity::{Fingerprint, Identity, Next, clean_name, clean_speaker, verifies},
};

/// Domain separation of the inviter's signature.
const CARD_CONTEXT: &[u8] = b"schat/2 card";

/// Greatest sealed card that is looked at, in bytes: the relay keeps no greater one.
const MAX_CARD: usize = 1024;

/// What a link leads to, in its maker's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The room at the relay.
    pub room_id: RoomId,
    /// What people see.
    pub room_name: String,
    /// SHA-256 of the SubjectPublicKeyInfo of the relay's authority; none when WebPKI is to be used.
    pub pin: Option<[u8; 32]>,
    /// Who made the invite.
    pub inviter: Fingerprint,
    /// The public key of that account.
    pub inviter_key: [u8; 32],
    /// By which name.
    pub inviter_name: String,
    /// A GroupInfo of an earlier epoch is refused.
    pub least_epoch: u64,
}

/// Why a card is not believed. Nothing of it is shown then.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CardError {
    /// Not a card, or not one of this link.
    #[error("the relay has no card for this link, or a damaged one")]
    Damaged,
    /// The signature is not by the account that the card names, or it is about another invite.
    #[error("the card was not signed by the person whose invite it claims to be")]
    Unsigned,
    /// The card speaks of another relay.
    #[error("the card names another relay than the link")]
    OtherRelay,
}

/// Signs and seals a card.
///
/// # Errors
/// Never in practice: names are short.
pub fn seal(
    secret: &InviteSecret,
    card: &Card,
    maker: &Identity,
    random: &Random,
) -> Result<Vec<u8>, SealSlotError> {
    let mut content = content::Card {
        room_id: Bytes::copy_from_slice(card.room_id.as_bytes()),
        room_name: card.room_name.clone(),
        pin: card.pin.map(|pin| Bytes::copy_from_slice(&pin)).unwrap_or_default(),
        inviter: Bytes::copy_from_slice(&maker.public_key()),
        inviter_name: card.inviter_name.clone(),
        invite: Bytes::copy_from_slice(&public_hash(secret)?),
        least_epoch: card.least_epoch,
        signature: Bytes::new(),
        inviter_next: Bytes::copy_from_slice(&maker.next().0),
    };
    content.signature = Bytes::copy_from_slice(&maker.sign(&statement(&content)));
    Ok(SealingKey::fresh(&secret.card_secret(), &scope(), random).seal(&content.encode_to_vec())?)
}

/// Opens a card and believes it, or not. `pin` is what the link carries.
///
/// # Errors
/// [`CardError`] says why not.
pub fn open(secret: &InviteSecret, pin: Option<&[u8; PIN_LEN]>, sealed: &[u8]) -> Result<Card, CardError> {
    if sealed.len() > MAX_CARD {
        return Err(CardError::Damaged);
    }
    let envelope = Envelope::parse(sealed).map_err(|_| CardError::Damaged)?;
    let key = OpeningKey::new(&secret.card_secret(), &scope(), envelope.session());
    let plain = key.open(&envelope).map_err(|_| CardError::Damaged)?;
    let content = content::Card::decode(plain.as_slice()).map_err(|_| CardError::Damaged)?;
    let account: [u8; 32] = (&*content.inviter).try_into().map_err(|_| CardError::Damaged)?;
    let next = Next((&*content.inviter_next).try_into().map_err(|_| CardError::Damaged)?);
    let signed = verifies(&account, &statement(&content), &content.signature);
    if !signed || public_hash(secret).ok().as_ref().map(<[u8; 32]>::as_slice) != Some(&*content.invite) {
        return Err(CardError::Unsigned);
    }
    let full: Option<[u8; 32]> = match &*content.pin {
        [] => None,
        full => Some(full.try_into().map_err(|_| CardError::Damaged)?),
    };
    if full.as_ref().and_then(|full| full.first_chunk()) != pin {
        return Err(CardError::OtherRelay);
    }
    Ok(Card {
        room_id: RoomId::try_from(&*content.room_id).map_err(|_| CardError::Damaged)?,
        room_name: clean_name(&content.room_name).map_err(|_| CardError::Damaged)?,
        pin: full,
        inviter: Fingerprint::of(&account, &next),
        inviter_key: account,
        inviter_name: clean_speaker(&content.inviter_name).map_err(|_| CardError::Damaged)?,
        least_epoch: content.least_epoch,
    })
}

/// Every part has a fixed length, so no two cards share a statement.
fn statement(card: &content::Card) -> Vec<u8> {
    let pin = <[u8; 32]>::try_from(&*card.pin).unwrap_or_default();
    let hash = |text: &str| -> [u8; 32] { Sha256::digest(text.as_bytes()).into() };
    [
        CARD_CONTEXT,
        &card.room_id,
        &hash(&card.room_name),
        &pin,
        &hash(&card.inviter_name),
        &card.invite,
        &card.least_epoch.to_be_bytes(),
        &card.inviter_next,
    ]
    .concat()
}

/// Whoever opens it does not know the room yet.
fn scope() -> Scope {
    Scope { room: RoomId([0; RoomId::LEN]), epoch: 0, origin: Origin::Invite }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    const PIN: [u8; 32] = [4; 32];

    fn secret() -> InviteSecret {
        InviteSecret::from_bytes([2; 20])
    }

    fn ann() -> Identity {
        Identity::without_recovery(&[1; 32])
    }

    fn random() -> Random {
        Random::new(ChaCha20Rng::seed_from_u64(1))
    }

    fn card() -> Card {
        Card {
            room_id: RoomId([1; 32]),
            room_name: "x".repeat(64),
            pin: Some(PIN),
            inviter: ann().fingerprint(),
            inviter_key: ann().public_key(),
            inviter_name: "y".repeat(64),
            least_epoch: u64::MAX,
        }
    }

    /// A card that somebody with the link sealed, whatever is in it.
    fn forged(alter: impl FnOnce(&mut content::Card)) -> Vec<u8> {
        let sealed = seal(&secret(), &card(), &ann(), &random()).unwrap();
        let envelope = Envelope::parse(&sealed).unwrap();
        let key = OpeningKey::new(&secret().card_secret(), &scope(), envelope.session());
        let mut content = content::Card::decode(key.open(&envelope).unwrap().as_slice()).unwrap();
        alter(&mut content);
        SealingKey::fresh(&secret().card_secret(), &scope(), &random())
            .seal(&content.encode_to_vec())
            .unwrap()
    }

    #[test]
    fn greatest_card_fits_what_the_relay_keeps() {
        let sealed = seal(&secret(), &card(), &ann(), &random()).unwrap();
        assert!(sealed.len() <= MAX_CARD, "{}", sealed.len());
        assert_eq!(open(&secret(), PIN.first_chunk(), &sealed), Ok(card()));
    }

    #[test]
    fn card_that_its_inviter_did_not_sign_so_is_refused() {
        type Alter = fn(&mut content::Card);
        let alterations: [(&str, Alter); 8] = [
            ("inviter's recovery key", |card| card.inviter_next = vec![9; 32].into()),
            ("room", |card| card.room_id = vec![9; 32].into()),
            ("room's name", |card| card.room_name = "other".to_owned()),
            ("pin", |card| card.pin = [&[4; 20][..], &[5; 12]].concat().into()),
            ("inviter", |card| {
                card.inviter = Identity::without_recovery(&[9; 32]).public_key().to_vec().into();
            }),
            ("inviter's name", |card| card.inviter_name = "bob".to_owned()),
            ("epoch", |card| card.least_epoch = 0),
            ("signature", |card| card.signature = vec![0; 64].into()),
        ];
        for (what, alter) in alterations {
            let sealed = forged(alter);
            assert_eq!(open(&secret(), PIN.first_chunk(), &sealed), Err(CardError::Unsigned), "{what}");
        }
    }

    #[test]
    fn card_of_an_inviter_whose_name_deceives_is_refused() {
        for name in ["bob: come in", "* bob"] {
            let card = Card { inviter_name: name.to_owned(), ..card() };
            let sealed = seal(&secret(), &card, &ann(), &random()).unwrap();
            assert_eq!(open(&secret(), PIN.first_chunk(), &sealed), Err(CardError::Damaged), "{name}");
        }
        let room = Card { room_name: "#1: soup".to_owned(), ..card() };
        let sealed = seal(&secret(), &room, &ann(), &random()).unwrap();
        assert!(open(&secret(), PIN.first_chunk(), &sealed).is_ok());
    }

    #[test]
    fn card_of_another_invite_of_the_same_person_is_refused() {
        let other = InviteSecret::from_bytes([3; 20]);
        let mut content = None;
        let _ = forged(|card| content = Some(card.clone()));
        // Ann's true words about one link, sealed for another.
        let sealed = SealingKey::fresh(&other.card_secret(), &scope(), &random())
            .seal(&content.unwrap().encode_to_vec())
            .unwrap();
        assert_eq!(open(&other, PIN.first_chunk(), &sealed), Err(CardError::Unsigned));
    }

    #[test]
    fn card_of_another_relay_is_refused() {
        let sealed = seal(&secret(), &card(), &ann(), &random()).unwrap();
        assert_eq!(open(&secret(), Some(&[5; 20]), &sealed), Err(CardError::OtherRelay));
        assert_eq!(open(&secret(), None, &sealed), Err(CardError::OtherRelay));
        let plain = seal(&secret(), &Card { pin: None, ..card() }, &ann(), &random()).unwrap();
        assert_eq!(open(&secret(), PIN.first_chunk(), &plain), Err(CardError::OtherRelay));
        assert!(open(&secret(), None, &plain).is_ok());
    }

    #[test]
    fn card_that_is_cut_or_altered_is_refused() {
        let sealed = seal(&secret(), &card(), &ann(), &random()).unwrap();
        for i in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[i] ^= 1;
            assert!(open(&secret(), PIN.first_chunk(), &altered).is_err(), "byte {i}");
            assert!(open(&secret(), PIN.first_chunk(), &sealed[..i]).is_err(), "cut at {i}");
        }
        assert!(open(&secret(), None, &vec![1; MAX_CARD + 1]).is_err());
    }
}
